"""How fast search is, and how much of the front NSGA-II finds: `python benchmarks/search_speed.py`.

NAS-Bench-201: CIFAR-100 accuracy with latency and energy of HW-NAS-Bench's edge GPU, all measured, against the exact
front. FBNet: roofline latency and energy of a phone's processor with a made-up accuracy, NSGA-II against random.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pyarrow import csv, parquet

from search import Budget, Objective, Problem, SearchResult, hypervolume, run
from spaces.base import Architecture, FloatArray
from spaces.fbnet import Fbnet
from spaces.nb201 import Nb201
from targets import load_target, segment_costs

_DATA = Path(os.environ.get("ARCHCAST_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_SEEDS = range(5)


def main() -> None:
    """Prints one Markdown table per space."""
    nb201 = measured_nb201()
    exact = run(nb201, "exhaustive", rng=np.random.default_rng(0))
    compare("nb201", nb201, exact, budgets=(500, 1_000, 2_000))
    fbnet = synthetic_fbnet()
    long_run = run(fbnet, "nsga2", Budget(evaluations=50_000), rng=np.random.default_rng(0))
    compare("fbnet", fbnet, long_run, budgets=(1_000, 5_000))


def compare(title: str, problem: Problem, reference: SearchResult, budgets: Sequence[int]) -> None:
    """Hypervolume of each algorithm and budget, as a share of the reference run's."""
    sampled = problem.space.sample(5_000, rng=np.random.default_rng(99))
    worst = problem.costs(problem.evaluate(sampled)).max(axis=0)
    whole = front_hypervolume(problem, reference, worst)
    print(f"\n{title}: reference {reference.algorithm}, {reference.evaluations:,} evaluations,", end=" ")
    print(f"{reference.seconds:.2f} s, front of {len(reference.front)}\n")
    print("| algorithm | evaluations | hypervolume, mean (min) | seconds |\n|---|---|---|---|")
    for evaluations in budgets:
        for algorithm in ("nsga2", "random"):
            budget = Budget(evaluations=evaluations)
            results = [run(problem, algorithm, budget, rng=np.random.default_rng(seed)) for seed in _SEEDS]
            shares = [front_hypervolume(problem, result, worst) / whole for result in results]
            seconds = np.mean([result.seconds for result in results])
            print(f"| {algorithm} | {evaluations:,} | {np.mean(shares):.4f} ({min(shares):.4f}) | {seconds:.2f} |")


def front_hypervolume(problem: Problem, result: SearchResult, worst: FloatArray) -> float:
    """Hypervolume of a result's front up to the point `worst` (in costs)."""
    values = np.array([[candidate.values[name] for name in problem.metric_names] for candidate in result.front])
    return hypervolume(problem.costs(values), worst)


def measured_nb201() -> Problem:
    """Accuracy, latency and energy from the benchmarks' tables."""
    space = Nb201()
    accuracies = csv.read_csv(_DATA / "accuracy" / "nb201_accuracy.csv.gz").to_pydict()
    costs = parquet.read_table(_DATA / "hw_nas_bench" / "nb201.parquet", filters=[("dataset", "==", "cifar100")])
    costs = costs.to_pydict()

    def lookup(keys: Sequence[str], values: Sequence[float]) -> Callable[[Sequence[Architecture]], FloatArray]:
        table = dict(zip(map(space.parse, keys), values, strict=True))
        return lambda batch: np.array([table[architecture] for architecture in batch])

    return make_problem(
        space,
        lookup(accuracies["arch"], accuracies["cifar100_test_acc"]),
        lookup(costs["arch_str"], costs["edgegpu_latency"]),
        lookup(costs["arch_str"], costs["edgegpu_energy"]),
    )


def synthetic_fbnet() -> Problem:
    """Roofline costs, and an accuracy that grows with the logarithm of each block's arithmetic and saturates."""
    space, target, rng = Fbnet(), load_target("roofline-phone-cpu"), np.random.default_rng(1)
    positions = np.arange(len(space.choices))
    macs = [
        [sum(layer.macs for layer in space.segment(position, choice)) for choice in range(len(space.choices[position]))]
        for position in range(len(space.choices))
    ]
    gains = np.log1p(np.array(macs) / 1e5) * rng.uniform(0.5, 1.5, (len(positions), 1))
    gains += rng.uniform(0, 0.5, gains.shape)
    return make_problem(
        space,
        lambda batch: 80 * np.tanh(gains[positions, space.decisions(batch)].sum(axis=1) / 40),
        lambda batch: segment_costs(target, space, batch).latency_ms,
        lambda batch: np.asarray(segment_costs(target, space, batch).energy_mj),
    )


def make_problem(space: Nb201 | Fbnet, *evaluate: Callable[[Sequence[Architecture]], FloatArray]) -> Problem:
    """Accuracy upwards, latency and energy downwards."""
    accuracy, latency, energy = evaluate
    objectives = (
        Objective("accuracy", "max", accuracy),
        Objective("latency_ms", "min", latency),
        Objective("energy_mj", "min", energy),
    )
    return Problem(space, {objective.name: objective for objective in objectives})


if __name__ == "__main__":
    main()
