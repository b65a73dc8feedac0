"""Search on the benchmarks' own tables: three measured objectives over all of NAS-Bench-201."""

import csv
import gzip
import time

import numpy as np
import pytest
from pyarrow import parquet

from search import Budget, Constraint, Objective, Problem, hypervolume, run
from spaces.nb201 import Nb201

pytestmark = pytest.mark.data
SPACE = Nb201()


def read_columns(path, key, **columns):
    """Columns of a compressed CSV as dicts from architecture to value; an empty cell is NaN."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: {SPACE.parse(row[key]): float(row[column] or "nan") for row in rows} for name, column in columns.items()
    }


def table_objective(name, direction, table):
    return Objective(name, direction, lambda batch: np.array([table.get(one, np.nan) for one in batch]))


@pytest.fixture(scope="module")
def accuracy(data_dir):
    path = data_dir / "accuracy" / "nb201_accuracy.csv.gz"
    table = read_columns(path, "arch", accuracy="cifar100_test_acc")["accuracy"]
    return table_objective("accuracy", "max", table)


@pytest.fixture(scope="module")
def edge_gpu(data_dir, accuracy):
    """CIFAR-100 accuracy, latency and energy on the edge GPU of HW-NAS-Bench."""
    columns = ["arch_str", "edgegpu_latency", "edgegpu_energy"]
    path = data_dir / "hw_nas_bench" / "nb201.parquet"
    rows = parquet.read_table(path, columns=columns, filters=[("dataset", "==", "cifar100")]).to_pydict()
    architectures = [SPACE.parse(text) for text in rows["arch_str"]]
    latency, energy = (dict(zip(architectures, rows[column], strict=True)) for column in columns[1:])
    objectives = (
        accuracy,
        table_objective("latency_ms", "min", latency),
        table_objective("energy_mj", "min", energy),
    )
    return Problem(SPACE, {objective.name: objective for objective in objectives})


def front_hypervolume(problem, result):
    costs = problem.costs(problem.evaluate(list(SPACE.enumerate())))
    values = np.array([[candidate.values[name] for name in problem.metric_names] for candidate in result.front])
    return hypervolume(problem.costs(values), costs.max(axis=0))


def test_exhaustive_three_measured_objectives_takes_less_than_a_second(edge_gpu):
    start = time.process_time()
    result = run(edge_gpu, rng=np.random.default_rng(0))
    assert time.process_time() - start < 1.0
    assert (result.complete, result.failed) == (True, 0)
    assert len(result.front) > 10


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nsga2_on_measured_objectives_reaches_the_exact_hypervolume(edge_gpu, seed):
    exact = front_hypervolume(edge_gpu, run(edge_gpu, rng=np.random.default_rng(0)))
    found = run(edge_gpu, "nsga2", Budget(evaluations=1_500), rng=np.random.default_rng(seed))
    # Uniform sampling of as many reaches 0.99.
    assert front_hypervolume(edge_gpu, found) >= 0.995 * exact


def test_exhaustive_under_a_latency_limit_keeps_the_most_accurate_architecture_allowed(edge_gpu):
    limited = Problem(SPACE, edge_gpu.objectives, (Constraint("latency_ms", max=4.0),))
    values = edge_gpu.evaluate(list(SPACE.enumerate()))
    allowed = values[values[:, 1] <= 4.0]
    result = run(limited, rng=np.random.default_rng(0))
    assert result.front[0].values["accuracy"] == allowed[:, 0].max()
    assert result.best_reachable == {"latency_ms": values[:, 1].min()}


def test_exhaustive_device_with_gaps_counts_what_was_not_measured(data_dir, accuracy):
    path = data_dir / "eagle" / "nb201_latency_ms.csv.gz"
    table = read_columns(path, "arch_str", latency_ms="embedded_gpu_jetson_nano_fp16")["latency_ms"]
    latency = table_objective("latency_ms", "min", table)
    result = run(Problem(SPACE, {"accuracy": accuracy, "latency_ms": latency}), rng=np.random.default_rng(0))
    assert result.failed == SPACE.size - np.isfinite(list(table.values())).sum() > 0
    assert all(np.isfinite(candidate.values["latency_ms"]) for candidate in result.front)
