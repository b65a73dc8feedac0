"""Fits `AreaModel` to synthesised circuits, and says how far it is off on circuits and sizes that it has not seen."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import nnls

from spaces.base import BoolArray, FloatArray
from targets.fpga.area import FORMS, LUT_SIZES, AreaModel, Line, terms, window_values
from targets.fpga.features import Features, layer_features
from targets.fpga.options import Options
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.weights import seeded_weights

_LUT_TERMS: Final = ("product_bits", "tree_bits", "operand_bits", "constant")
_FLIP_FLOP_TERMS: Final = ("register_bits", "window_bits")
_FOLDS: Final = 5
# Cells below which a relative error says nothing.
_SMALLEST: Final = 5.0
_LARGE_SHARE: Final = 1 / 3


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A synthesised circuit.

    Attributes:
        terms: what lines multiply coefficients with, by name.
        circuit: equal for rows of one circuit in several flows.
    """

    flow: str
    options: Options
    features: Features
    terms: Mapping[str, float]
    luts: float
    flip_flops: float
    circuit: str
    tool: str


def read_samples(path: Path) -> list[Sample]:
    """Rows of `synthesis_samples.csv` of the forms that the model knows; weights are drawn again from their seed."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_sample(row) for row in csv.DictReader(file) if row["primitive"] in FORMS]


def _sample(row: Mapping[str, str]) -> Sample:
    layer = PRIMITIVES[row["primitive"]](**{k: int(v) for k, v in (part.split("=") for part in row["sizes"].split())})
    options = Options(
        int(row["weight_bits"]),
        int(row["activation_bits"]),
        row["signed_activations"] == "True",
        "plain" if row["encoding"] == "plain" else "csd",
        row["pipelined"] == "True",
    )
    weights = seeded_weights(
        layer.weight_shape,
        bits=options.weight_bits,
        sparsity=float(row["sparsity"]),
        rng=np.random.default_rng(int(row["seed"])),
    )
    features = layer_features(layer, weights, options)
    return Sample(
        row["flow"],
        options,
        features,
        terms(features, float(window_values(layer) * options.activation_bits)),
        float(row["luts"]),
        float(row["flip_flops"]),
        row["circuit_hash"],
        f"{row['tool']} {row['tool_version']}",
    )


def fit_area_model(samples: Sequence[Sample], provenance: Mapping[str, Any]) -> AreaModel:
    """Fitted to all samples; the noise is what cross-validation over circuits leaves."""
    luts, errors = {}, {}
    for size in LUT_SIZES:
        for pipelined in (True, False):
            chosen = [one for one in samples if one.flow == f"lut{size}" and one.options.pipelined == pipelined]
            line, error = _fit(chosen, _LUT_TERMS, lambda one: one.luts)
            luts[size, pipelined] = line
            errors[f"lut{size}{'' if pipelined else ' combinational'}"] = error
    pipelined = [one for one in samples if one.options.pipelined and one.flow != "intel_alm"]
    flip_flops, errors["flip_flops"] = _fit(pipelined, _FLIP_FLOP_TERMS, lambda one: one.flip_flops)
    ranges = {
        name: (float(min(values)), float(max(values)))
        for name, values in {
            "weight_bits": [one.options.weight_bits for one in samples],
            "activation_bits": [one.options.activation_bits for one in samples],
            "nonzeros": [one.features.nonzeros for one in samples],
            "levels": [one.features.levels for one in samples],
        }.items()
    }
    known = {"samples": len(samples), "tools": sorted({one.tool for one in samples}), "errors": errors}
    return AreaModel(luts, flip_flops, ranges, {**known, **provenance})


def samples_digest(path: Path) -> str:
    """SHA-256 of the file of samples."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fit(
    samples: Sequence[Sample], names: Sequence[str], observed: Callable[[Sample], float]
) -> tuple[Line, dict[str, float]]:
    rows = np.array([[one.terms[name] for name in names] for one in samples])
    truth = np.array([observed(one) for one in samples])
    circuits = list(dict.fromkeys(one.circuit for one in samples))
    fold = np.array([circuits.index(one.circuit) % _FOLDS for one in samples])
    left_out = _log_errors(rows, truth, [fold != number for number in range(_FOLDS)])
    size = rows[:, :-1].sum(axis=1)
    is_small = size <= np.quantile(size, 1 - _LARGE_SHARE)
    larger = _log_errors(rows, truth, [is_small])[~is_small]
    variance, per_cell = nnls(
        np.column_stack([np.ones(len(truth)), 1 / np.maximum(truth, 1.0)]), np.minimum(left_out, 1.0) ** 2
    )[0]
    line = Line(dict(zip(names, _solve(rows, truth).round(6).tolist(), strict=True)), float(variance), float(per_cell))
    return line, {
        "circuits": len(circuits),
        "median": float(np.median(np.abs(np.expm1(left_out)))),
        "mean": float(np.mean(np.abs(np.expm1(left_out)))),
        "median_of_larger": float(np.median(np.abs(np.expm1(larger)))),
        "within_90_percent": float(
            np.mean(np.abs(left_out) <= 1.645 * np.sqrt(variance + per_cell / np.maximum(truth, 1)))
        ),
    }


def _solve(rows: FloatArray, truth: FloatArray) -> FloatArray:
    """Coefficients of least squared relative errors, none negative."""
    size = np.maximum(truth, _SMALLEST)
    return nnls(rows / size[:, None], truth / size)[0]


def _log_errors(rows: FloatArray, truth: FloatArray, trained: Sequence[BoolArray]) -> FloatArray:
    """(n,) logarithm of predicted over true cells, each from a fit to the rows `trained` that leave it out."""
    errors = np.zeros(len(truth))
    for is_trained in trained:
        asked = ~is_trained
        predicted = rows[asked] @ _solve(rows[is_trained], truth[is_trained])
        errors[asked] = np.log(np.maximum(predicted, 1.0) / np.maximum(truth[asked], 1.0))
    return errors
