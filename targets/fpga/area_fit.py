"""Fits `AreaModel` to synthesised and routed circuits, and says how far it is off on circuits that it has not seen."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import nnls

from spaces.base import BoolArray, FloatArray
from targets.fpga.area import FLOW_LUT_SIZES, GENERIC_FLOWS, AreaModel, Estimate, Line, known_of, terms
from targets.fpga.counts import Features, layer_features
from targets.fpga.options import Options
from targets.fpga.predict import drawn_weights, predict
from targets.fpga.primitives import PRIMITIVES, Primitive
from targets.fpga.weights import seeded_weights

_GENERIC_TERMS: Final = ("narrow_bits", "wide_bits", "wide_log_bits", "saved_bits", "saved_log_bits", "constant")
_CHAIN_TERMS: Final = (
    "chain_bits",
    "paired_bits",
    "inverted_bits",
    "saved_chain_bits",
    "saved_bits",
    "saved_log_bits",
)
# Trees without registers have no control to speak of.
_PIPELINED_TERMS: Final = ("control_bits",)
_COMBINATIONAL_TERMS: Final = ("merged_bits",)
_LEVEL_TERMS: Final = ("has_logic", "wide_additions", "wide_path_bits", "saved_rows")
_FLIP_FLOP_TERMS: Final = ("register_bits", "distinct_bits", "window_bits", "control_bits")
_DELAY_TERMS: Final = ("constant", "chain_path_bits", "chain_saved_rows", "root_registers")
_FOLDS: Final = 5
_FEWEST_ROWS: Final = 20
# Cells below which a relative error says nothing.
_SMALLEST: Final = 5.0
_LARGE_SHARE: Final = 1 / 3
_Z90: Final = 1.645


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A synthesised or routed circuit.

    Attributes:
        flow: of the synthesis; empty where the circuit was routed.
        layer: with its sizes.
        sparsity, seed: of the weights.
        terms: what lines multiply coefficients with, by name.
        circuit: equal for rows of one circuit in several flows.
        found: what the tools counted or timed, by column.
    """

    flow: str
    layer: Primitive
    options: Options
    sparsity: float
    seed: int
    features: Features
    terms: Mapping[str, float]
    circuit: str
    tool: str
    found: Mapping[str, float]


def read_samples(path: Path) -> list[Sample]:
    """Rows of a file of samples; weights are drawn again from their seed."""
    known: dict[str, Features] = {}
    with path.open(newline="", encoding="utf-8") as file:
        return [_sample(row, known) for row in csv.DictReader(file)]


def _sample(row: Mapping[str, str], known: dict[str, Features]) -> Sample:
    layer = PRIMITIVES[row["primitive"]](**{k: int(v) for k, v in (part.split("=") for part in row["sizes"].split())})
    options = Options(
        int(row["weight_bits"]),
        int(row["activation_bits"]),
        row["signed_activations"] == "True",
        "plain" if row["encoding"] == "plain" else "csd",
        row["pipelined"] == "True",
    )
    circuit = row["circuit_hash"]
    if circuit not in known:
        weights = seeded_weights(
            layer.weight_shape,
            bits=options.weight_bits,
            sparsity=float(row["sparsity"]),
            rng=np.random.default_rng(int(row["seed"])),
        )
        known[circuit] = layer_features(layer, weights, options)
    flow = row.get("flow", "")
    columns = ("luts", "arithmetic_cells", "flip_flops", "depth", "fmax_mhz")
    return Sample(
        flow=flow,
        layer=layer,
        options=options,
        sparsity=float(row["sparsity"]),
        seed=int(row["seed"]),
        features=known[circuit],
        terms=terms(known[circuit], FLOW_LUT_SIZES.get(flow, 4)),
        circuit=circuit,
        tool=f"{row['tool']} {row['tool_version']}",
        found={name: float(row[name]) for name in columns if name in row},
    )


def fit_area_model(samples: Sequence[Sample], routed: Sequence[Sample], provenance: Mapping[str, Any]) -> AreaModel:
    """Fitted to all samples with their weights; the noise is what cross-validation over circuits leaves.

    Args:
        samples: synthesised circuits.
        routed: circuits with a clock.
        provenance: kept with the model.
    """
    luts, levels, flip_flops, errors = {}, {}, {}, {}
    for flow in FLOW_LUT_SIZES:
        of_flow = [one for one in samples if one.flow == flow]
        is_generic = flow in GENERIC_FLOWS
        for pipelined in (True, False):
            chosen = [one for one in of_flow if one.options.pipelined == pipelined]
            if len(chosen) < _FEWEST_ROWS:
                continue
            name = f"{flow}{'' if pipelined else ' combinational'}"
            names = _GENERIC_TERMS if is_generic else _CHAIN_TERMS
            further = _PIPELINED_TERMS if pipelined else _COMBINATIONAL_TERMS
            luts[flow, pipelined], errors[name] = _fit(chosen, (*names, *further), cells)
            if is_generic:
                levels[flow, pipelined], errors[f"levels {name}"] = _fit(
                    chosen, _LEVEL_TERMS, lambda one: one.found["depth"], is_count=False
                )
        stored = [one for one in of_flow if one.found["flip_flops"]]
        if len(stored) >= _FEWEST_ROWS:
            flip_flops[flow], errors[f"flip_flops {flow}"] = _fit(
                stored, _FLIP_FLOP_TERMS, lambda one: one.found["flip_flops"]
            )
    delay_ns, errors["delay_ns"] = _fit(routed, _DELAY_TERMS, lambda one: 1e3 / one.found["fmax_mhz"], is_count=False)
    asked = [known_of(one.features, one.options) for one in samples]
    ranges = {
        name: (float(min(each[name] for each in asked)), float(max(each[name] for each in asked))) for name in asked[0]
    }
    tools = sorted({one.tool for one in (*samples, *routed)})
    known = {"samples": len(samples), "routed": len(routed), "tools": tools, "errors": errors}
    return AreaModel(luts, levels, flip_flops, delay_ns, 0.0, ranges, {**known, **provenance})


def with_unknown_weights(model: AreaModel, samples: Sequence[Sample]) -> AreaModel:
    """The model with what it is further off where only the sparsity is known, and its errors there."""
    errors = dict(model.provenance["errors"])
    found: dict[str, list[tuple[float, Estimate, float]]] = {}
    for one in samples:
        if one.options.pipelined and (one.flow, True) in model.luts and cells(one):
            told = predict(one.layer, one.options, one.flow, sparsity=one.sparsity, extrapolate=True, model=model)
            found.setdefault(one.flow, []).append((cells(one), told.luts, drawn_weights(one.layer, one.sparsity)))
    needed: list[float] = []
    for flow, rows in found.items():
        line = model.luts[flow, True]
        logs = np.log([estimate.value / cells for cells, estimate, _ in rows])
        own = np.array([line.variance + line.variance_per_cell / max(estimate.value, 1.0) for _, estimate, _ in rows])
        drawn = np.array([count for *_, count in rows])
        needed += (((logs / _Z90) ** 2 - own) * drawn).tolist()
        errors[flow] = {**errors[flow], "weights unknown": (logs, own, drawn)}
    variance = max(float(np.quantile(needed, 0.9)), 0.0)
    for flow in found:
        logs, own, drawn = errors[flow]["weights unknown"]
        errors[flow]["weights unknown"] = _summary(logs, np.sqrt(own + variance / drawn))
    return replace(model, weight_variance=variance, provenance={**model.provenance, "errors": errors})


def samples_digest(*paths: Path) -> str:
    """SHA-256 of the files of samples."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def cells(one: Sample) -> float:
    """LUTs that a sample took; an adaptive look-up table of a carry chain is one too."""
    return one.found["luts"] + (one.found["arithmetic_cells"] if one.flow == "intel_alm" else 0.0)


def _fit(
    samples: Sequence[Sample],
    names: Sequence[str],
    observed: Callable[[Sample], float],
    *,
    is_count: bool = True,
) -> tuple[Line, dict[str, dict[str, float]]]:
    """The line, and its errors on what each way of leaving out has left out.

    Args:
        is_count: of cells, whose relative errors count; those of levels and times grow with their root.
    """
    rows = np.array([[one.terms[name] for name in names] for one in samples])
    truth = np.array([observed(one) for one in samples])
    scale = np.maximum(truth, _SMALLEST) if is_count else np.sqrt(np.maximum(truth, 1.0))
    left_out = {
        scheme: _log_errors(rows, truth, trained, scale) for scheme, trained in _trainings(samples, truth).items()
    }
    _, over_circuits = left_out["circuits"]
    size = np.maximum(truth, 1.0)
    variance, per_cell = nnls(np.column_stack([np.ones(len(truth)), 1 / size]), np.minimum(over_circuits, 1.0) ** 2)[0]
    deviation = np.sqrt(variance + per_cell / size)
    coefficients = dict(zip(names, _solve(rows, truth, scale).round(6).tolist(), strict=True))
    errors = {
        scheme: _summary(error[asked], deviation[asked]) for scheme, (asked, error) in left_out.items() if asked.any()
    }
    return Line(coefficients, float(variance), float(per_cell)), errors


def _trainings(samples: Sequence[Sample], truth: FloatArray) -> dict[str, list[BoolArray]]:
    """Rows that are fitted to, for each part that is left out, by what is left out."""
    circuits = list(dict.fromkeys(one.circuit for one in samples))
    fold = np.array([circuits.index(one.circuit) % _FOLDS for one in samples])
    groups = {
        "circuits": fold,
        "primitives": np.array([one.layer.name for one in samples]),
        "weight widths": np.array([one.options.weight_bits for one in samples]),
    }
    trainings = {name: [labels != label for label in np.unique(labels)] for name, labels in groups.items()}
    return {**trainings, "the largest third": [truth <= np.quantile(truth, 1 - _LARGE_SHARE)]}


def _summary(errors: FloatArray, deviation: FloatArray) -> dict[str, float]:
    relative = np.expm1(errors)
    return {
        "rows": len(errors),
        "median": float(np.median(np.abs(relative))),
        "ninety": float(np.quantile(np.abs(relative), 0.9)),
        "bias": float(np.median(relative)),
        "within_90_percent": float(np.mean(np.abs(errors) <= _Z90 * deviation)),
    }


def _solve(rows: FloatArray, truth: FloatArray, scale: FloatArray) -> FloatArray:
    """Coefficients of least squared errors in units of the scale, none negative."""
    return nnls(rows / scale[:, None], truth / scale)[0]


def _log_errors(
    rows: FloatArray, truth: FloatArray, trained: Sequence[BoolArray], scale: FloatArray
) -> tuple[BoolArray, FloatArray]:
    """(n,) whether a row was left out, and the logarithm of predicted over true from a fit to the `trained` rows."""
    errors, is_asked = np.zeros(len(truth)), np.zeros(len(truth), bool)
    for is_trained in trained:
        if is_trained.sum() >= rows.shape[1] and not is_trained.all():
            asked = ~is_trained
            predicted = rows[asked] @ _solve(rows[is_trained], truth[is_trained], scale[is_trained])
            errors[asked] = np.log(np.maximum(predicted, 1.0) / np.maximum(truth[asked], 1.0))
            is_asked |= asked
    return is_asked, errors
