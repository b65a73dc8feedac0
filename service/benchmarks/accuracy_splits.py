"""Accuracy of unseen architectures from few trained ones: FLAN's protocol on NAS-Bench-201.

Protocol: Akhauri & Abdelfattah 2024, arXiv 2403.02484: train on 8, 40 or 78 cells (0.1, 0.5 and 1 % of 7,813), score
7,813 others, Kendall's tau. It differs in that the network of the last epoch counts, not the mean test score of the
last four.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from arch_encodings import ENCODERS
from arch_encodings.zcp import SCALES
from device_db.importers import accuracy as accuracy_tables
from predictors.bayesian_linear import fit_bayesian_linear
from predictors.cost_linear import prior_grid
from predictors.features import feature_map
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.metrics import kendall
from predictors.normal_scores import normal_scores
from predictors.samplers.base import standardised
from service.benchmarks.baselines import BASELINES, regress
from service.benchmarks.shared_proxies import SharedProxies, read_shared_proxies
from spaces import Architecture, get_space
from spaces.base import BoolArray, FloatArray, IntArray, SearchSpace
from spaces.nb201_cell import isomorphism_class

TEST_SIZE: Final = 7_813
_EPOCHS: Final = 150
_BATCH: Final = 8
_MOST_STEPS: Final = 750
_TRANSFER_EPOCHS: Final = 30
_REFERENCE_SIZE: Final = 2048
# What FLAN may read at its head beside the graph.
FLAN_ENCODINGS: Final[Mapping[str, str]] = {
    "cost": "cost",
    "arch2vec": "arch2vec",
    "cate": "cate",
    "zcp": "zcp",
    "all": "cost+arch2vec+cate+zcp",
}


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
    """Mean and deviation of Kendall's tau over the splits.

    `kendall_apart` leaves test cells out that are isomorphic to a training cell.
    """
    begin = time.perf_counter()
    scores = [CONTESTANTS[name](bench, split) for split in splits]
    seconds = time.perf_counter() - begin
    taus, apart = [], []
    for score, split in zip(scores, splits, strict=True):
        accuracy, is_apart = bench.accuracy[split.test], bench.is_apart(split)
        taus.append(kendall(score, accuracy))
        apart.append(kendall(score[is_apart], accuracy[is_apart]))
    return {
        "predictor": name,
        "train": size,
        "splits": len(splits),
        "kendall": float(np.mean(taus)),
        "kendall_std": float(np.std(taus, ddof=1)) if len(taus) > 1 else 0.0,
        "kendall_apart": float(np.mean(apart)),
        "seconds": seconds / len(splits),
    }


def _flan(encoding: str | None = None, settings: FlanSettings = FlanSettings()) -> Contestant:  # noqa: B008 (frozen)
    @lru_cache(maxsize=8)
    def predict(bench: AccuracyBench, split: Split) -> FloatArray:
        from predictors.graph.accuracy import fit_flan

        columns = None if encoding is None else standardised(bench.encoded(encoding))
        known, asked = (None if columns is None else columns[rows] for rows in (split.train, split.test))
        trained, wanted = ([bench.architectures[row] for row in rows] for rows in (split.train, split.test))
        fitted = fit_flan(
            bench.space, trained, bench.accuracy[split.train], known, settings, training_for(len(trained))
        )
        return fitted.score(wanted, asked)

    return predict


def training_for(samples: int) -> TrainingSettings:
    """FLAN's training from scratch: batches of 8 and at most 150 epochs, as published, but no more than 750 steps."""
    batches = -(-samples // _BATCH)
    return TrainingSettings(epochs=min(_EPOCHS, _MOST_STEPS // batches), batch=_BATCH)


def _flan_transferred(bench: AccuracyBench, split: Split) -> FloatArray:
    """FLAN trained on other spaces, then on the training cells."""
    from predictors.graph.accuracy import fit_flan
    from predictors.graph.pretrained_accuracy import load_transfer_network

    trained, wanted = ([bench.architectures[row] for row in rows] for rows in (split.train, split.test))
    training = TrainingSettings(epochs=_TRANSFER_EPOCHS, batch=_BATCH)
    start = load_transfer_network()
    fitted = fit_flan(bench.space, trained, bench.accuracy[split.train], training=training, start=start)
    return fitted.score(wanted)


def _ensemble(*, has_proxies: bool = True, has_transfer: bool = True, is_trained: bool = True) -> Contestant:
    def predict(bench: AccuracyBench, split: Split) -> FloatArray:
        from predictors.accuracy import encodings_for, fit_accuracy

        encodings = encodings_for(bench.space, bench.zcp if has_proxies else None, transfer=has_transfer)
        encodings = encodings if is_trained else replace(encodings, trained=None)
        trained, wanted = ([bench.architectures[row] for row in rows] for rows in (split.train, split.test))
        reference = bench.architectures[:_REFERENCE_SIZE]
        return (
            fit_accuracy(bench.space, trained, bench.accuracy[split.train], encodings, reference).predict(wanted).score
        )

    return predict


def _cost_linear(bench: AccuracyBench, split: Split) -> FloatArray:
    """The Bayesian linear model of latencies, on the ranks of accuracies as normal scores."""
    features = feature_map(bench.space)
    columns = features(bench.architectures)
    targets = normal_scores(bench.accuracy[split.train])
    posterior = fit_bayesian_linear(columns[split.train], targets, prior_grid(features.groups))
    return columns[split.test] @ posterior.weights


def _column(encoding: str, name: str) -> Contestant:
    """A column as it is, without any training."""
    return lambda bench, split: bench.column(encoding, name)[split.test]


def _expected(*, has_proxies: bool, has_transfer: bool) -> Contestant:
    """What the ensemble expects before it sees an accuracy."""

    def predict(bench: AccuracyBench, split: Split) -> FloatArray:
        from predictors.accuracy import encodings_for
        from predictors.accuracy_encodings import AccuracyColumns

        encodings = encodings_for(bench.space, bench.zcp if has_proxies else None, transfer=has_transfer)
        columns = AccuracyColumns.over(bench.space, encodings, bench.architectures[:_REFERENCE_SIZE])
        return columns([bench.architectures[row] for row in split.test])[1][:, 0]

    return predict


def _regression(name: str, encoding: str) -> Contestant:
    return lambda bench, split: regress(name, bench.encoded(encoding), split.train, bench.accuracy[split.train])[
        split.test
    ]


CONTESTANTS: Final[Mapping[str, Contestant]] = {
    "flan": _flan(),
    **{f"flan_{name}": _flan(encoding) for name, encoding in FLAN_ENCODINGS.items()},
    "flan_transfer": _flan_transferred,
    "accuracy_ensemble": _ensemble(),
    "ensemble_without_training": _ensemble(is_trained=False),
    "ensemble_without_transfer": _ensemble(has_transfer=False),
    "ensemble_without_proxies": _ensemble(has_proxies=False),
    "ensemble_without_both": _ensemble(has_proxies=False, has_transfer=False),
    "expected_untrained": _expected(has_proxies=True, has_transfer=True),
    "transfer_untrained": _expected(has_proxies=False, has_transfer=True),
    "cost_linear": _cost_linear,
    "zcp_ridge": _regression("one_hot_ridge", "zcp"),
    "zcp_gaussian_process": _regression("gaussian_process", "zcp"),
    **{name: _regression(name, "one_hot") for name in BASELINES},
    "flops": _column("cost", "total:macs"),
    **{f"proxy_{name}": _column("zcp", f"zcp:{name}") for name in SCALES if name != "flops"},
}
