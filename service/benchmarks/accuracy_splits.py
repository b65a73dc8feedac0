"""Accuracy of unseen architectures from few trained ones: FLAN's protocol on NAS-Bench-201.

Protocol: Akhauri & Abdelfattah 2024, arXiv 2403.02484: train on 8, 40 or 78 cells (0.1, 0.5 and 1 % of 7,813), score
7,813 others, Kendall's tau. It differs in that the network of the last epoch counts, not the mean test score of the
last four.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from arch_encodings import ENCODERS
from device_db.importers import accuracy as accuracy_tables
from predictors.bayesian_linear import fit_bayesian_linear
from predictors.cost_linear import prior_grid
from predictors.features import feature_map
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.metrics import kendall
from predictors.normal_scores import normal_scores
from predictors.samplers.base import standardised
from service.benchmarks.baselines import BASELINES, regress
from spaces import Architecture, get_space
from spaces.base import FloatArray, IntArray, SearchSpace

TEST_SIZE: Final = 7_813
_TRAINING: Final = TrainingSettings(epochs=150, batch=8)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows to train on and rows to score."""

    train: IntArray
    test: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyBench:
    """NAS-Bench-201 in its own order, with CIFAR-10 test accuracies in %, (15625,)."""

    space: SearchSpace
    architectures: list[Architecture]
    accuracy: FloatArray
    cost: FloatArray
    one_hot: FloatArray

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
            cost=standardised(ENCODERS["cost"].encode(space, architectures)),
            one_hot=ENCODERS["one_hot"].encode(space, architectures),
        )

    @property
    def macs(self) -> FloatArray:
        """(n,)."""
        column = ENCODERS["cost"].feature_names(self.space).index("total:macs")
        return ENCODERS["cost"].encode(self.space, self.architectures)[:, column]

    def random_splits(self, size: int, seeds: int) -> list[Split]:
        """One for each seed."""
        orders = [np.random.default_rng(seed).permutation(len(self.architectures)) for seed in range(seeds)]
        return [Split(order[:size], order[size : size + TEST_SIZE]) for order in orders]


# Scores of the rows to test, greater for the more accurate.
Contestant = Callable[[AccuracyBench, Split], FloatArray]


def read_splits(path: Path, size: int, seeds: int) -> list[Split]:
    """From JSON {size: {seed: {"train": [...], "test": [...]}}}. Raises: ValueError for a size that it lacks."""
    sizes = json.loads(path.read_text(encoding="utf-8"))
    if str(size) not in sizes:
        raise ValueError(f"{path} has splits of {', '.join(sizes)} architectures, none of {size}")
    splits = list(sizes[str(size)].values())[:seeds]
    return [Split(np.array(split["train"]), np.array(split["test"])) for split in splits]


def run_size(bench: AccuracyBench, name: str, size: int, splits: Sequence[Split]) -> dict[str, Any]:
    """Mean and deviation of Kendall's tau over the splits."""
    begin = time.perf_counter()
    scores = [kendall(CONTESTANTS[name](bench, split), bench.accuracy[split.test]) for split in splits]
    return {
        "predictor": name,
        "train": size,
        "splits": len(splits),
        "kendall": float(np.mean(scores)),
        "kendall_std": float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0,
        "seconds": (time.perf_counter() - begin) / len(splits),
    }


def _flan(settings: FlanSettings, encoding: Callable[[AccuracyBench], FloatArray] | None = None) -> Contestant:
    @lru_cache(maxsize=8)
    def predict(bench: AccuracyBench, split: Split) -> FloatArray:
        from predictors.graph.accuracy import fit_flan

        known, asked = (None if encoding is None else encoding(bench)[rows] for rows in (split.train, split.test))
        trained, wanted = ([bench.architectures[row] for row in rows] for rows in (split.train, split.test))
        fitted = fit_flan(bench.space, trained, bench.accuracy[split.train], known, settings, _TRAINING)
        return fitted.score(wanted, asked)

    return predict


def _cost_linear(bench: AccuracyBench, split: Split) -> FloatArray:
    """The Bayesian linear model of latencies, on the ranks of accuracies as normal scores."""
    features = feature_map(bench.space)
    columns = features(bench.architectures)
    targets = normal_scores(bench.accuracy[split.train])
    posterior = fit_bayesian_linear(columns[split.train], targets, prior_grid(features.groups))
    return columns[split.test] @ posterior.weights


def _flan_and_cost_linear(bench: AccuracyBench, split: Split) -> FloatArray:
    """The mean of both, each standardised over what is asked: they err differently."""
    parts = [CONTESTANTS[name](bench, split) for name in ("flan", "cost_linear")]
    return standardised(np.column_stack(parts)).mean(axis=1)


def _baseline(name: str) -> Contestant:
    return lambda bench, split: regress(name, bench.one_hot, split.train, bench.accuracy[split.train])[split.test]


CONTESTANTS: Final[Mapping[str, Contestant]] = {
    "flan": _flan(FlanSettings()),
    "flan_cost": _flan(FlanSettings(), lambda bench: bench.cost),
    "cost_linear": _cost_linear,
    "flan_and_cost_linear": _flan_and_cost_linear,
    "flops": lambda bench, split: bench.macs[split.test],
    **{name: _baseline(name) for name in BASELINES},
}
