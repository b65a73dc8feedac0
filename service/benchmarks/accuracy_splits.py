"""Accuracy of unseen architectures from few trained ones: FLAN's protocol on NAS-Bench-201.

Protocol: Akhauri & Abdelfattah 2024, arXiv 2403.02484: train on 8, 40 or 78 cells (0.1, 0.5 and 1 % of 7,813), score
7,813 others, Kendall's tau. It differs in that the network of the last epoch counts, not the mean test score of the
last four.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from arch_encodings import ENCODERS
from device_db.importers import accuracy as accuracy_tables
from service.benchmarks.shared_proxies import SharedProxies, read_shared_proxies
from spaces import Architecture, get_space
from spaces.base import BoolArray, FloatArray, IntArray, SearchSpace
from spaces.nb201_cell import isomorphism_class

TEST_SIZE: Final = 7_813


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows to train on and rows to score."""

    train: IntArray
    test: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyBench:
    """NAS-Bench-201 in its own order, with CIFAR-10 test accuracies in %, (15625,).

    Attributes: zcp: published zero-cost proxies of every cell.
    """

    space: SearchSpace
    architectures: list[Architecture]
    accuracy: FloatArray
    zcp: SharedProxies

    @classmethod
    def read(cls, data: Path) -> AccuracyBench:
        """From the folder of the reference data. Raises: ImportFormatError."""
        space = get_space("nb201")
        table = accuracy_tables.read(data / "accuracy", lambda _, notation: space.parse(notation).key)
        values = next(part.values for part in table.accuracies if part.dataset == "cifar10")
        architectures = [Architecture("nb201", key) for key in table.orders["nb201"]]
        return cls(
            space=space,
            architectures=architectures,
            accuracy=np.array([values[architecture.key] for architecture in architectures]),
            zcp=read_shared_proxies(data / "zero_cost", space, architectures),
        )

    def encoded(self, name: str) -> FloatArray:
        """(n, d) by an encoding's name; `+` joins several."""
        return _encoded(self, name)

    def column(self, encoding: str, name: str) -> FloatArray:
        """(n,) one column of an encoding."""
        encoder = self.zcp if encoding == "zcp" else ENCODERS[encoding]
        return self.encoded(encoding)[:, encoder.feature_names(self.space).index(name)]

    def random_splits(self, size: int, seeds: int, first: int = 0) -> list[Split]:
        """One for each seed from the first on."""
        orders = [np.random.default_rng(first + seed).permutation(len(self.architectures)) for seed in range(seeds)]
        return [Split(order[:size], order[size : size + TEST_SIZE]) for order in orders]

    def is_apart(self, split: Split) -> BoolArray:
        """(test rows,) whether no training cell is isomorphic to the test cell."""
        trained, tested = (
            [isomorphism_class(row) for row in self.space.decisions([self.architectures[n] for n in rows]).tolist()]
            for rows in (split.train, split.test)
        )
        known = set(trained)
        return np.array([name not in known for name in tested])


@lru_cache(maxsize=32)
def _encoded(bench: AccuracyBench, name: str) -> FloatArray:
    parts = [bench.zcp if part == "zcp" else ENCODERS[part] for part in name.split("+")]
    return np.concatenate([part.encode(bench.space, bench.architectures) for part in parts], axis=1)


def read_splits(path: Path, size: int, seeds: int) -> list[Split]:
    """From JSON {size: {seed: {"train": [...], "test": [...]}}}. Raises: ValueError for a size that it lacks."""
    sizes = json.loads(path.read_text(encoding="utf-8"))
    if str(size) not in sizes:
        raise ValueError(f"{path} has splits of {', '.join(sizes)} architectures, none of {size}")
    splits = list(sizes[str(size)].values())[:seeds]
    return [Split(np.array(split["train"]), np.array(split["test"])) for split in splits]
