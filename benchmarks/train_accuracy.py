"""Trains the accuracy networks that come with the package, see predictors/graph/artifacts.

python benchmarks/train_accuracy.py nb201 --data ../shared/data
python benchmarks/train_accuracy.py transfer --data ../shared/data

`nb201`: FLAN with an output for each data set, on four fifths of the isomorphism classes of NAS-Bench-201; the others
give the metrics and the spread of residuals. `transfer`: FLAN on NAS-Bench-101 and the tasks of TransNAS-Bench-101's
micro space, for spaces whose accuracies it has not seen.
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

from device_db.importers import accuracy as accuracy_tables
from predictors.accuracy_scale import AccuracyScale
from predictors.graph.accuracy_network import AccuracyNetwork, SeriesTable, train_accuracy_network
from predictors.graph.pretrained_accuracy import ARTIFACTS
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.metrics import coverage, kendall, spearman
from predictors.normal_scores import normal_scores
from service.benchmarks.source_accuracies import read_source_accuracies
from spaces import Architecture, get_space
from spaces.base import FloatArray, IntArray
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


def main() -> None:
    """Writes the artifact and prints its manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("nb201", "transfer"))
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with accuracy/ and zero_cost/")
    parser.add_argument("--output", type=Path, help="[default: the file in the package]")
    arguments = parser.parse_args()
    path = arguments.output or ARTIFACTS / f"flan-{arguments.what}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    network = {"nb201": _nb201, "transfer": _transfer}[arguments.what](arguments.data)
    network.save(path)
    manifest = {name: value for name, value in AccuracyNetwork.load(path).manifest.items() if name != "curves"}
    print(json.dumps(manifest, indent=2))


def _progress(done: int, total: int) -> None:
    print(f"epoch {done} of {total}", file=sys.stderr, flush=True)


def _nb201(data: Path) -> AccuracyNetwork:
    space = get_space("nb201")
    table = accuracy_tables.read(data / "accuracy", lambda _, notation: space.parse(notation).key)
    cells = [Architecture("nb201", key) for key in table.orders["nb201"]]
    accuracy = {part.dataset: np.array([part.values[cell.key] for cell in cells]) for part in table.accuracies}
    classes = np.array([isomorphism_class(row) for row in space.decisions(cells).tolist()])
    held_out = _share_of_classes(classes)
    rows = np.flatnonzero(~held_out)
    # Of each class one example with the mean accuracy: cells of one class are one network, trained more than once.
    representatives, of_each = np.unique(classes[rows], return_inverse=True)
    first = np.array([rows[of_each == number][0] for number in range(len(representatives))])
    means = {name: np.bincount(of_each, values[rows]) / np.bincount(of_each) for name, values in accuracy.items()}
    targets = np.column_stack([normal_scores(values) for values in means.values()])
    tables = [SeriesTable(space, [cells[row] for row in first], targets)]
    network = train_accuracy_network(tables, list(accuracy), _NB201, _NB201_TRAINING, _progress)
    asked = np.flatnonzero(held_out)
    scores = network.scores(space, [cells[row] for row in asked])
    curves, metrics = {}, {}
    for number, (name, values) in enumerate(accuracy.items()):
        scale = AccuracyScale.of(means[name])
        curves[name], metrics[name] = _held_out(scale, scores[:, number], values[asked])
    manifest = {**network.manifest, "curves": curves, "metrics": metrics, "held_out": _described(classes, held_out)}
    return AccuracyNetwork(network.module, network.settings, network.operations, network.series, manifest)


def _share_of_classes(classes: np.ndarray) -> np.ndarray:
    names = np.unique(classes)
    chosen = np.random.default_rng(0).permutation(names)[: round(_HELD_OUT * len(names))]
    return np.isin(classes, chosen)


def _described(classes: np.ndarray, held_out: np.ndarray) -> dict[str, int]:
    return {"cells": int(held_out.sum()), "classes": len(np.unique(classes[held_out]))}


def _held_out(scale: AccuracyScale, scores: FloatArray, accuracy: FloatArray) -> tuple[dict[str, Any], dict[str, Any]]:
    """The curve from scores to accuracies with the spread of residuals, and how well held-out cells are told.

    Coverage is measured crosswise: the residuals of one half say how wide the intervals of the other are.
    """
    residuals = np.abs(np.interp(accuracy, scale(scale.scores), scale.scores) - scores)
    deviation = float(np.sqrt(np.mean(residuals**2)))
    estimate = scale.estimate(scores, np.full(len(scores), deviation), lambda level: level)
    half: IntArray = np.random.default_rng(1).permutation(len(scores))
    covered = []
    for own, other in ((half[::2], half[1::2]), (half[1::2], half[::2])):
        margin = float(np.quantile(residuals[own], 0.9))
        covered.append(coverage(scale(scores[other] - margin), scale(scores[other] + margin), accuracy[other]))
    curve = {
        "scores": scale.scores.tolist(),
        "log_errors": scale.log_errors.tolist(),
        "deviation": deviation,
        "residuals": np.quantile(residuals / deviation, np.linspace(0, 1, _RESIDUALS)).tolist(),
    }
    metrics = {
        "kendall": round(kendall(scores, accuracy), 4),
        "spearman": round(spearman(scores, accuracy), 4),
        "median_absolute_error": round(float(np.median(np.abs(estimate.mean - accuracy))), 3),
        "mean_absolute_error": round(float(np.mean(np.abs(estimate.mean - accuracy))), 3),
        "coverage90": round(float(np.mean(covered)), 3),
    }
    return curve, metrics


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
