"""Trains the accuracy networks that come with the package, see predictors/graph/artifacts.

python benchmarks/train_accuracy.py nb201 --data ../shared/data
python benchmarks/train_accuracy.py transfer --data ../shared/data
python benchmarks/train_accuracy.py recalibrate --data ../shared/data

`nb201`: FLAN with an output for each data set, on four fifths of the isomorphism classes of NAS-Bench-201; the others
give the metrics and the spread of residuals. `transfer`: FLAN on NAS-Bench-101 and the tasks of TransNAS-Bench-101's
micro space, for spaces whose accuracies it has not seen. `recalibrate`: the metrics and residuals of `nb201` again,
from the weights that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.special import ndtri

from device_db.importers import accuracy as accuracy_tables
from predictors.accuracy_scale import AccuracyScale
from predictors.graph.accuracy_network import AccuracyNetwork, SeriesTable, train_accuracy_network
from predictors.graph.pretrained_accuracy import ARTIFACTS
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.metrics import kendall, spearman
from predictors.normal_scores import normal_scores
from service.benchmarks.source_accuracies import read_source_accuracies
from spaces import Architecture, get_space
from spaces.base import FloatArray
from spaces.nb201_cell import isomorphism_class

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_NB201 = FlanSettings(layers=4, op_width=32, node_width=64, width=80, head_width=96, timesteps=2, dropout=0.0)
_NB201_TRAINING = TrainingSettings(
    epochs=24, batch=128, learning_rate=3e-3, weight_decay=1e-4, series=3, validation_share=0.05, patience=24
)
_TRANSFER = FlanSettings(layers=4, op_width=32, node_width=64, width=64, head_width=64, timesteps=1)
_TRANSFER_TRAINING = TrainingSettings(epochs=10, batch=64, learning_rate=2e-3, weight_decay=1e-4, series=64)
_TRANSFER_SPACES = ("nb101", "tnb101_micro")
_HELD_OUT = 0.2
_RESIDUALS = 101
# Of scores, each with as many classes, that have a deviation of their own; and the level at which they are compared.
_BINS = 10
_LEVEL = 0.9
_REPEATS = 8


def main() -> None:
    """Writes the artifact and prints its manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("nb201", "recalibrate", "transfer"))
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with accuracy/ and zero_cost/")
    parser.add_argument("--output", type=Path, help="[default: the file in the package]")
    arguments = parser.parse_args()
    name = "transfer" if arguments.what == "transfer" else "nb201"
    path = arguments.output or ARTIFACTS / f"flan-{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    make = {"nb201": _nb201, "recalibrate": lambda data: _calibrated(Nb201(data), AccuracyNetwork.load(path))}
    network = {**make, "transfer": _transfer}[arguments.what](arguments.data)
    network.save(path)
    manifest = {name: value for name, value in AccuracyNetwork.load(path).manifest.items() if name != "curves"}
    print(json.dumps(manifest, indent=2))


def _progress(done: int, total: int) -> None:
    print(f"epoch {done} of {total}", file=sys.stderr, flush=True)


class Nb201:
    """NAS-Bench-201's cells, their accuracies by data set, their classes, and which are held out."""

    def __init__(self, data: Path):
        self.space = get_space("nb201")
        table = accuracy_tables.read(data / "accuracy", lambda _, notation: self.space.parse(notation).key)
        self.cells = [Architecture("nb201", key) for key in table.orders["nb201"]]
        self.accuracy = {
            part.dataset: np.array([part.values[cell.key] for cell in self.cells]) for part in table.accuracies
        }
        self.classes = np.array([isomorphism_class(row) for row in self.space.decisions(self.cells).tolist()])
        self.is_held_out = _share_of_classes(self.classes)
        rows = np.flatnonzero(~self.is_held_out)
        # Of each class one example with the mean accuracy: cells of one class are one network, trained more than once.
        representatives, of_each = np.unique(self.classes[rows], return_inverse=True)
        first = np.array([rows[of_each == number][0] for number in range(len(representatives))])
        self.examples = [self.cells[row] for row in first]
        counts = np.bincount(of_each)
        self.means = {name: np.bincount(of_each, values[rows]) / counts for name, values in self.accuracy.items()}


def _nb201(data: Path) -> AccuracyNetwork:
    known = Nb201(data)
    targets = np.column_stack([normal_scores(values) for values in known.means.values()])
    tables = [SeriesTable(known.space, known.examples, targets)]
    return _calibrated(known, train_accuracy_network(tables, list(known.accuracy), _NB201, _NB201_TRAINING, _progress))


def _calibrated(known: Nb201, network: AccuracyNetwork) -> AccuracyNetwork:
    asked = np.flatnonzero(known.is_held_out)
    classes = known.classes[asked]
    scores = network.scores(known.space, [known.cells[row] for row in asked])
    curves, metrics = {}, {}
    for number, (name, values) in enumerate(known.accuracy.items()):
        scale = AccuracyScale.of(known.means[name])
        curves[name], metrics[name] = _held_out(scale, scores[:, number], values[asked], classes)
    described = _described(known.classes, known.is_held_out)
    manifest = {**network.manifest, "curves": curves, "metrics": metrics, "held_out": described}
    return AccuracyNetwork(network.module, network.settings, network.operations, network.series, manifest)


def _share_of_classes(classes: np.ndarray) -> np.ndarray:
    names = np.unique(classes)
    chosen = np.random.default_rng(0).permutation(names)[: round(_HELD_OUT * len(names))]
    return np.isin(classes, chosen)


def _described(classes: np.ndarray, held_out: np.ndarray) -> dict[str, int]:
    return {"cells": int(held_out.sum()), "classes": len(np.unique(classes[held_out]))}


def _held_out(
    scale: AccuracyScale, scores: FloatArray, accuracy: FloatArray, classes: np.ndarray
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The curve from scores to accuracies with the spread of residuals, and how well held-out cells are told.

    Coverage is measured crosswise, halves of the classes by turns: the residuals of one half say how wide the intervals
    of the other are.
    """
    residuals = np.abs(np.interp(accuracy, scale(scale.scores), scale.scores) - scores)
    _, of_each, counts = np.unique(classes, return_inverse=True, return_counts=True)
    weights = 1 / counts[of_each]  # a class of a hundred cells is one network
    centres, deviations = _spread(scores, residuals, weights)
    told = np.interp(scores, centres, deviations)
    estimate = scale.estimate(scores, told, lambda level: level)
    is_covered = np.zeros(len(scores))
    best = np.argsort(-scores)[: len(scores) // 10]
    for seed in range(_REPEATS):
        order = np.random.default_rng(seed).permutation(len(counts))
        for half in (order[::2], order[1::2]):
            own = np.isin(of_each, half)
            bins = _spread(scores[own], residuals[own], weights[own])
            ratios = residuals[own] / np.interp(scores[own], *bins)
            width = np.quantile(ratios, _LEVEL, weights=weights[own], method="inverted_cdf")
            margin = width * np.interp(scores[~own], *bins)
            inside = (scale(scores[~own] - margin) <= accuracy[~own]) & (accuracy[~own] <= scale(scores[~own] + margin))
            is_covered[~own] += inside / _REPEATS
    shares = np.linspace(0, 1, _RESIDUALS)
    curve = {
        "scores": scale.scores.tolist(),
        "log_errors": scale.log_errors.tolist(),
        "centres": centres.tolist(),
        "deviations": deviations.tolist(),
        "residuals": np.quantile(residuals / told, shares, weights=weights, method="inverted_cdf").tolist(),
    }
    metrics = {
        "kendall": round(kendall(scores, accuracy), 4),
        "spearman": round(spearman(scores, accuracy), 4),
        "median_absolute_error": round(float(np.median(np.abs(estimate.mean - accuracy))), 3),
        "mean_absolute_error": round(float(np.mean(np.abs(estimate.mean - accuracy))), 3),
        "coverage90": round(float(is_covered.mean()), 3),
        "coverage90_of_classes": round(float(np.average(is_covered, weights=weights)), 3),
        "coverage90_of_best_tenth": round(float(np.average(is_covered[best], weights=weights[best])), 3),
    }
    return curve, metrics


def _spread(scores: FloatArray, residuals: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean score and deviation of each bin, (b,) each; the deviation is that of a normal with the bin's quantile."""
    order = np.argsort(scores, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    of_each = np.minimum((share * _BINS - 1e-9).astype(int), _BINS - 1)
    bins = [order[of_each == number] for number in range(_BINS)]
    centres = [np.average(scores[own], weights=weights[own]) for own in bins]
    quantiles = [np.quantile(residuals[own], _LEVEL, weights=weights[own], method="inverted_cdf") for own in bins]
    return np.array(centres), np.array(quantiles) / ndtri((1 + _LEVEL) / 2)


def _transfer(data: Path) -> AccuracyNetwork:
    sources = [source for source in read_source_accuracies(data / "zero_cost") if source.space in _TRANSFER_SPACES]
    tables = []
    for name in _TRANSFER_SPACES:
        own = [(number, source) for number, source in enumerate(sources) if source.space == name]
        architectures = list(dict.fromkeys(found for _, source in own for found in source.architectures))
        row = {architecture: number for number, architecture in enumerate(architectures)}
        targets = np.full((len(architectures), len(sources)), np.nan)
        for number, source in own:
            targets[[row[found] for found in source.architectures], number] = normal_scores(source.accuracy)
        tables.append(SeriesTable(get_space(name), architectures, targets))
    series = [f"{source.space}/{source.task}" for source in sources]
    return train_accuracy_network(tables, series, _TRANSFER, _TRANSFER_TRAINING, _progress)


if __name__ == "__main__":
    main()
