"""Each encoding alone as a predictor of NAS-Bench-201 accuracy and latency, and a picture of two embeddings.

    python benchmarks/encodings.py --data ../shared/data --write

k-nearest neighbours and ridge regression learn from 20, 100 or 500 cells and rank the cells of all other isomorphism
classes. Zero-cost proxies are NAS-Bench-Suite-Zero's, so all encodings see the cells that it has.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from report import docs_path, markdown_table, write_section
from scipy.stats import rankdata
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor

from arch_encodings import ENCODERS, Encoder, Zcp, encoders_with, fit_normalizer
from device_db.importers import IMPORTERS
from predictors.metrics import spearman
from service.benchmarks.latency_tables import read_tables
from spaces import Architecture, SearchSpace, get_space
from spaces.base import FloatArray, IntArray, class_of

DEVICES = ("1080ti_1", "pixel3", "embedded_tpu_edge_tpu_int8")
SAMPLES = (20, 100, 500)
NEIGHBOURS = 5
ALPHAS = np.logspace(-2, 4, 13)
TIMED_NETWORKS = 3
PICTURED = ("arch2vec", "cate")
PICTURE = "encodings.png"
PICTURE_CELLS = 4_000

PROTOCOL = f"""Spearman correlation between prediction and truth, mean over {{seeds}} random samples of 20, 100 or 500
cells. Every predictor gets one encoding, normalised by `fit_normalizer` on the sample; targets are ranks within the
sample. k-NN is the mean of the {NEIGHBOURS} nearest; ridge regression chooses its strength by leave-one-out errors on
the sample. Tested are all cells of other isomorphism classes than the sample's, among the {{cells:,}} that
NAS-Bench-Suite-Zero has proxies of and all three devices were timed on. `zcp` and `caz` take its proxies.
`paths_truncated` equals `paths` on this space. FLOPs is one column, the multiply-accumulates; random is 32 normal
numbers for each cell."""
SECONDS = f"""Seconds for the first encoding of all 15,625 cells, what it loads and lists once included; with zero-cost
proxies, seconds for each cell (mean of {TIMED_NETWORKS}, batch 64), after which the database keeps them."""


class Tabulated:
    """Encodings that are known already, as an `Encoder`."""

    def __init__(self, name: str, architectures: Sequence[Architecture], encoded: FloatArray):
        self.name = name
        self._rows = dict(zip(architectures, encoded, strict=True))
        self._columns = encoded.shape[1]

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """Numbers."""
        del space
        return tuple(map(str, range(self._columns)))

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """Rows of the table."""
        del space
        return np.array([self._rows[architecture] for architecture in architectures]).reshape(-1, self._columns)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """n cells with what is to be told of them.

    Attributes:
        targets: name -> (n,).
        classes: (n,) equal for isomorphic cells.
        proxies: cell -> published zero-cost proxies, in the order of the registry.
    """

    space: SearchSpace
    cells: list[Architecture]
    targets: dict[str, FloatArray]
    classes: IntArray
    proxies: dict[Architecture, list[float]]


def read_task(data: Path) -> Task:
    """The cells of NAS-Bench-201 that have everything."""
    space = get_space("nb201")

    def canonical(_: str, notation: object) -> str:
        return space.parse(notation).key  # pyright: ignore[reportArgumentType]

    (published,) = IMPORTERS["zero-cost"](data / "zero_cost" / "nb201_zcp.csv.gz", canonical).encodings
    tables = IMPORTERS["accuracy"](data / "accuracy", canonical).accuracies
    accuracy = next(table.values for table in tables if table.dataset == "cifar10")
    latencies = read_tables(data)["nb201"]
    known = {cell: row for row, cell in enumerate(latencies.architectures)}
    cells = [Architecture(space.name, key) for key in published.values["params"]]
    rows = np.array([known[cell] for cell in cells])
    targets = {"accuracy": np.array([accuracy[cell.key] for cell in cells])}
    targets |= {device: latencies.latency_ms[device][rows] for device in DEVICES}
    complete = np.flatnonzero(np.isfinite(np.array(list(targets.values()))).all(axis=0)).tolist()
    cells = [cells[row] for row in complete]
    return Task(
        space,
        cells,
        {name: values[complete] for name, values in targets.items()},
        np.unique([class_of(space, cell) for cell in cells], return_inverse=True)[1],
        {cell: [column[cell.key] for column in published.values.values()] for cell in cells},
    )


def tabulate(task: Task) -> dict[str, Tabulated]:
    """Every encoding of the task's cells, and the two baselines."""

    def published(_: SearchSpace, cells: Sequence[Architecture], names: Sequence[str]) -> FloatArray:
        return np.array([task.proxies[cell] for cell in cells]).reshape(-1, len(names))

    encoders: Mapping[str, Encoder] = encoders_with(Zcp(published))
    encoded = {name: encoder.encode(task.space, task.cells) for name, encoder in encoders.items()}
    del encoded["paths_truncated"]
    macs = encoders["cost"].feature_names(task.space).index("total:macs")
    encoded["FLOPs"] = encoded["cost"][:, [macs]]
    encoded["random"] = np.random.default_rng(0).standard_normal((len(task.cells), 32))
    return {name: Tabulated(name, task.cells, values) for name, values in encoded.items()}


def scores(task: Task, encoder: Tabulated, samples: int, seed: int) -> FloatArray:
    """(2, targets) Spearman correlations of k-NN and ridge regression."""
    rows = np.random.default_rng(seed).choice(len(task.cells), samples, replace=False)
    asked = np.flatnonzero(~np.isin(task.classes, task.classes[rows])).tolist()
    training = [task.cells[row] for row in rows.tolist()]
    normalizer = fit_normalizer(encoder, task.space, training)
    known, unknown = (
        normalizer.apply(encoder.encode(task.space, cells)) for cells in (training, [task.cells[row] for row in asked])
    )
    truth = np.column_stack(list(task.targets.values()))
    ranks = rankdata(truth[rows], axis=0) / samples
    predictors = (KNeighborsRegressor(NEIGHBOURS), RidgeCV(ALPHAS, alpha_per_target=True))
    return np.array(
        [
            [spearman(told, true) for told, true in zip(predicted.T, truth[asked].T, strict=True)]
            for predicted in (predictor.fit(known, ranks).predict(unknown) for predictor in predictors)
        ]
    )


def score_tables(task: Task, encoders: Mapping[str, Tabulated], seeds: int) -> list[str]:
    """A table for each target, and how much the numbers vary."""
    found = np.array(
        [
            [[scores(task, encoder, samples, seed) for seed in range(seeds)] for samples in SAMPLES]
            for encoder in encoders.values()
        ]
    )  # (encodings, samples, seeds, predictors, targets)
    means, deviations = found.mean(axis=2), found.std(axis=2, ddof=1)
    parts = []
    for column, target in enumerate(task.targets):
        what = "CIFAR-10 test accuracy" if target == "accuracy" else f"Latency on {target}"
        header = [what, *(f"{predictor} {samples}" for predictor in ("k-NN", "ridge") for samples in SAMPLES)]
        rows = [
            [name, *(f"{score:.3f}" for score in means[row, :, :, column].T.ravel())]
            for row, name in enumerate(encoders)
        ]
        parts.append(markdown_table(header, rows))
    typical = np.median(deviations, axis=(0, 2, 3))
    listed = ", ".join(f"{value:.3f} with {samples}" for value, samples in zip(typical, SAMPLES, strict=True))
    parts.append(f"Standard deviation over samples, median of all rows and columns: {listed} cells.")
    return parts


def seconds_table(space: SearchSpace) -> str:
    """Columns and time of each encoding, nothing of it known before."""
    cells = list(space.enumerate())
    few = space.sample(TIMED_NETWORKS, rng=np.random.default_rng(0))
    rows = []
    for name, encoder in ENCODERS.items():
        begin = time.process_time()
        columns = encoder.feature_names(space)
        has_proxies = any(column.startswith("zcp:") for column in columns)
        encoder.encode(space, few if has_proxies else cells)
        seconds = time.process_time() - begin
        shown = f"{seconds / len(few):.1f} each" if has_proxies else f"{seconds:.2f}"
        rows.append([name, str(len(columns)), shown])
    return markdown_table(["encoding", "columns", "s"], rows)


def draw(task: Task, path: Path) -> None:
    """t-SNE of learned embeddings, coloured by latency and by accuracy, as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from sklearn.manifold import TSNE

    rows = np.random.default_rng(0).choice(len(task.cells), PICTURE_CELLS, replace=False)
    cells = [task.cells[row] for row in rows.tolist()]
    colours = {
        f"latency on {DEVICES[0]}, ms": task.targets[DEVICES[0]][rows],
        "CIFAR-10 test accuracy, %": task.targets["accuracy"][rows],
    }
    figure, grid = plt.subplots(len(PICTURED), len(colours), figsize=(10, 8), layout="constrained")
    for name, line in zip(PICTURED, grid, strict=True):
        encoder = ENCODERS[name]
        normalized = fit_normalizer(encoder, task.space, cells).apply(encoder.encode(task.space, cells))
        places = TSNE(random_state=0, init="pca", perplexity=50).fit_transform(normalized)
        for axes, (what, values) in zip(line, colours.items(), strict=True):
            low, high = np.percentile(values, [5, 99])
            shown = axes.scatter(*places.T, c=values, s=5, linewidths=0, cmap="viridis", vmin=low, vmax=high)
            axes.set(title=f"{name}: {what}", xticks=[], yticks=[])
            figure.colorbar(shown, ax=axes, extend="both")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    """Print the section, or write it and the picture into docs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the reference data")
    parser.add_argument("--seeds", type=int, default=10, help="random samples of each size")
    parser.add_argument("--write", action="store_true", help="write into docs/encodings.md, and the picture beside it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = read_task(arguments.data)
    times = seconds_table(task.space)  # first, while nothing is remembered
    tables = score_tables(task, tabulate(task), arguments.seeds)
    picture = f"![t-SNE of {PICTURE_CELLS:,} cells]({PICTURE})\n\nt-SNE of {PICTURE_CELLS:,} cells in the embedding of "
    parts = [
        PROTOCOL.format(seeds=arguments.seeds, cells=len(task.cells)),
        *tables,
        SECONDS,
        times,
        picture + f"{' and of '.join(PICTURED)}. Colours end at the 5th and the 99th percentile.",
    ]
    body = "\n\n".join(parts)
    print(body)
    if arguments.write:
        draw(task, docs_path(PICTURE))
        write_section("encodings", body, page="encodings.md")


if __name__ == "__main__":
    main()
