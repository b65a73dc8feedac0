"""Whether a small model of the graph on top of kernel sums helps: `benchmarks/graph_correction.py --write`.

What a sum over kernels cannot know, fusion, parallelism and caches, would show in features of the network as a whole:
how many products follow each other, how often branches join, how much is element-wise right behind a product and how
much is not, how large the working set is, how small kernels are. log(latency / prediction) is fitted as a ridge
regression of them, on networks that the prediction was made without (folds within the device's own samples), alone and
with a prior: the same fitted on the other devices' timings of the same families. It is asked for families that the
device was not timed with, and for halves of those that it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

import numpy as np
from node_profiles import known_pairs, part_of, timed_families
from report import markdown_table, write_section
from workload_families import Family, fitted_to

from predictors.profile_costs import part_names
from spaces.base import FloatArray, Workload

_FOLDS: Final = 5
_RIDGES: Final = (0.1, 1.0, 10.0, 100.0)
_VARIANTS: Final = ("none", *(f"ridge {ridge:g}" for ridge in _RIDGES), *(f"prior, {ridge:g}" for ridge in _RIDGES))


def main() -> None:
    """Prints the table; with --write into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    devices = timed_families()
    errors: dict[bool, list[list[float]]] = {False: [], True: []}
    rows: list[list[str]] = []
    for device, families in devices.items():
        for fitted, asked in known_pairs(list(families)):
            known, other = [families[name] for name in fitted], families[asked]
            elsewhere = [[others[name] for name in fitted] for name, others in devices.items() if name != device]
            if asked in fitted:
                halves = slice(0, None, 2), slice(1, None, 2)
                place = fitted.index(asked)
                known[place], other = part_of(other, halves[0]), part_of(other, halves[1])
                for sources in elsewhere:
                    sources[place] = part_of(sources[place], halves[0])
            found = _errors(known, other, elsewhere)
            errors[asked in fitted].append(found)
            rows.append([device, "+".join(fitted), asked, *(f"{error:.0%}" for error in found)])
    for is_seen, found in errors.items():
        means = np.exp(np.mean(np.log(found), axis=0)).tolist()
        wins = (np.array(found) < np.array(found)[:, :1]).sum(axis=0).tolist()
        name = "families that were timed" if is_seen else "families that were not"
        shown = [f"{mean:.1%} ({won} of {len(found)})" for mean, won in zip(means, wins, strict=True)]
        rows.append([f"**{name}**: geometric mean, better in", "", "", *shown])
    body = (
        "### A model of the graph on top of kernel sums\n\nMAPE of the predictor over layers with profiles, by itself "
        "and times exp(a ridge regression on features of the whole network), by the ridge's strength; with a prior the "
        "regression starts from the one that fits the other devices' timings of the same networks. Devices and halves "
        "as in the table of profiles.\n\n" + markdown_table(["device", "fitted to", "asked for", *_VARIANTS], rows)
    )
    print(body)
    if options.write:
        write_section("graph_correction", body)


def graph_features(workload: Workload) -> FloatArray:
    """(8,) of a network as a whole: ratios and logarithms, so that networks of any size compare."""
    layers, parts = workload.layers, list(part_names(workload.layers))
    counts = {part: parts.count(part) for part in ("product", "depthwise", "fused", "elementwise", "pool", "copy")}
    products = max(1, counts["product"] + counts["depthwise"])
    joins = sum(layer.inputs > 1 for layer in layers)
    moved = np.array([layer.in_elements + layer.out_elements + layer.params for layer in layers], dtype=np.float64)
    return np.array(
        [
            np.log(products),
            joins / products,
            counts["fused"] / products,
            counts["elementwise"] / products,
            (counts["pool"] + counts["copy"]) / products,
            np.log(moved.max()),
            np.log(np.exp(np.log(moved).mean())),
            np.log1p(workload.macs) - np.log(moved.sum()),
        ]
    )


def _errors(known: Sequence[Family], asked: Family, elsewhere: Sequence[Sequence[Family]]) -> list[float]:
    """MAPE without a correction and with each."""
    predicted, truth = _predicted(known, asked), asked.latency_ms
    features, residuals = _left_over(known)
    prior = [_left_over(sources) for sources in elsewhere]
    mean, scale = features.mean(axis=0), features.std(axis=0)
    varies = scale > 1e-9
    columns = _columns(features, mean, scale, varies)
    far = _columns(np.array([graph_features(one) for one in asked.workloads]), mean, scale, varies)
    others = np.concatenate([_columns(one, mean, scale, varies) for one, _ in prior])
    theirs = np.concatenate([residual for _, residual in prior])
    errors = [predicted / truth - 1]
    for has_prior in (False, True):
        for ridge in _RIDGES:
            start = _ridge(others, theirs, ridge, np.zeros(columns.shape[1])) if has_prior else 0.0
            weights = _ridge(columns, residuals, ridge, np.zeros(columns.shape[1]) + start)
            errors.append(predicted * np.exp(far @ weights) / truth - 1)
    return [float(np.abs(error).mean()) for error in errors]


def _columns(features: FloatArray, mean: FloatArray, scale: FloatArray, varies: np.ndarray) -> FloatArray:
    """Standardised over the timed networks, held within thrice their range: a line must not run away."""
    standard = np.clip((features[:, varies] - mean[varies]) / scale[varies], -3, 3)
    return np.concatenate([np.ones((len(standard), 1)), standard], axis=1)


def _left_over(known: Sequence[Family]) -> tuple[FloatArray, FloatArray]:
    """Features, and log(latency / prediction) of each network by a fit without its fold."""
    features = np.array([graph_features(one) for family in known for one in family.workloads])
    residuals = [np.zeros(len(family.workloads)) for family in known]
    for fold in range(_FOLDS):
        kept = [part_of(family, np.arange(len(family.workloads)) % _FOLDS != fold) for family in known]
        for family, own in zip(known, residuals, strict=True):
            held = part_of(family, slice(fold, None, _FOLDS))
            if held.workloads:
                own[fold::_FOLDS] = np.log(held.latency_ms / _predicted(kept, held))
    return features, np.concatenate(residuals)


def _predicted(known: Sequence[Family], asked: Family) -> FloatArray:
    return fitted_to(known, asked).predict(asked.architectures).mean_ms


def _ridge(columns: FloatArray, residuals: FloatArray, ridge: float, start: FloatArray) -> FloatArray:
    gram = columns.T @ columns + ridge * np.eye(columns.shape[1])
    return start + np.linalg.solve(gram, columns.T @ (residuals - columns @ start))


if __name__ == "__main__":
    main()
