"""What competes on few accuracies: FLAN with each encoding, the accuracy predictor with each part, and baselines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from arch_encodings.zcp import SCALES
from predictors.bayesian_linear import fit_bayesian_linear
from predictors.cost_linear import prior_grid
from predictors.features import feature_map
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.metrics import kendall
from predictors.normal_scores import normal_scores
from predictors.samplers.base import standardised
from service.benchmarks.accuracy_splits import AccuracyBench, Split
from service.benchmarks.baselines import BASELINES, regress
from spaces.base import FloatArray

# FLAN's training from scratch, as published.
TRAINING: Final = TrainingSettings(epochs=150, batch=8)
# On from the network of other spaces.
_TRAINING_ON: Final = TrainingSettings(epochs=30, batch=8)
_REFERENCE_SIZE: Final = 2048
# What FLAN may read at its head beside the graph.
FLAN_ENCODINGS: Final[Mapping[str, str]] = {
    "cost": "cost",
    "arch2vec": "arch2vec",
    "cate": "cate",
    "zcp": "zcp",
    "all": "cost+arch2vec+cate+zcp",
}


# Scores of the rows to test, greater for the more accurate.
Contestant = Callable[[AccuracyBench, Split], FloatArray]


def run_size(bench: AccuracyBench, name: str, size: int, splits: Sequence[Split]) -> dict[str, Any]:
    """Mean and deviation of Kendall's tau over the splits.

    `kendall_apart` leaves test cells out that are isomorphic to a training cell; `seconds` are of the processor.
    """
    begin = time.process_time()
    scores = [CONTESTANTS[name](bench, split) for split in splits]
    seconds = time.process_time() - begin
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
        fitted = fit_flan(bench.space, trained, bench.accuracy[split.train], known, settings, TRAINING)
        return fitted.score(wanted, asked)

    return predict


def _flan_transferred(bench: AccuracyBench, split: Split) -> FloatArray:
    """FLAN trained on other spaces, then on the training cells."""
    from predictors.graph.accuracy import fit_flan
    from predictors.graph.pretrained_accuracy import load_transfer_network

    trained, wanted = ([bench.architectures[row] for row in rows] for rows in (split.train, split.test))
    start = load_transfer_network()
    fitted = fit_flan(bench.space, trained, bench.accuracy[split.train], training=_TRAINING_ON, start=start)
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
