"""The model of areas against circuits that it was never fitted to, drawn at random and synthesised for the purpose.

`python benchmarks/kratos_blind.py --write` draws circuits of every primitive with any widths, sizes,
sparsities and forms, counts them in every flow, routes small ones, runs two layers through each, and compares `predict`
with and without their weights. With `--keep` a folder keeps the rows, and an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from kratos import SAMPLES, measure, read_rows, route
from kratos_grid import LUT_FLOWS, Point
from report import markdown_table, write_section

from targets.fpga.area import Estimate, load_area_model
from targets.fpga.area_fit import Sample, cells, read_samples
from targets.fpga.predict import Prediction, predict
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.simulation import simulate
from targets.fpga.synthesis import FLOWS
from targets.fpga.weights import seeded_weights
from targets.fpga.yosys import yosys_version

# Sizes between which each primitive's are drawn, both included.
_SIZES: Final = {
    "gemmt-fu": [(1, 3), (4, 96), (1, 12)],
    "gemmt-rp": [(2, 8), (4, 64), (1, 12)],
    "gemms-rp": [(2, 8), (3, 16), (2, 8)],
    "conv1d-fu": [(6, 12), (1, 4), (2, 5), (1, 6), (1, 2)],
    "conv1d-pw": [(6, 20), (1, 8), (2, 5), (1, 8), (1, 2)],
    "conv2d-fu": [(3, 5), (3, 5), (1, 2), (2, 3), (1, 3), (1, 2)],
    "conv2d-rp": [(3, 6), (3, 6), (1, 3), (2, 3), (1, 3), (1, 1)],
    "conv2d-pw": [(4, 8), (4, 8), (1, 6), (2, 3), (1, 8), (1, 2)],
}
_BITS: Final = (2, 8)
_MOST_SPARSITY: Final = 0.95
_UNPIPELINED, _PLAIN, _SIGNED = 0.35, 0.3, 0.2  # shares of the circuits
_WORK: Final = (20.0, 1000.0)
_MOST_ROUTED_WORK: Final = 200.0
_MAX_CLOCK_MHZ: Final = 275.0  # of the part that is routed, where its clock network ends
_FIGURES: Final = ("median", "90 % below", "bias", "90 % intervals hold")
_HEADER: Final = ["of", "circuits", *_FIGURES, *(f"{name}, weights unknown" for name in _FIGURES)]


def draw(seed: int, count: int) -> list[Point]:
    """Circuits of one seed that no sample is of, the primitives in turn; their flow is another's to choose."""
    fitted = {row["circuit_hash"] for row in read_rows(SAMPLES)}
    rng = np.random.default_rng([0xB11D, seed])
    points = []
    while len(points) < count:
        name = list(_SIZES)[len(points) % len(_SIZES)]
        sizes = tuple(int(rng.integers(low, high, endpoint=True)) for low, high in _SIZES[name])
        weight_bits, activation_bits = rng.integers(*_BITS, 2, endpoint=True).tolist()
        point = Point(
            name,
            sizes,
            weight_bits,
            activation_bits,
            sparsity=round(float(rng.uniform(0, _MOST_SPARSITY)), 3),
            flow="lut6",
            pipelined=bool(rng.random() >= _UNPIPELINED or name == "gemms-rp"),
            encoding="plain" if rng.random() < _PLAIN else "csd",
            signed_activations=bool(rng.random() < _SIGNED),
        )
        if _WORK[0] <= point.work <= _WORK[1] and point.circuit().circuit_hash[:16] not in fitted:
            points.append(point)
    return points


@dataclass(frozen=True, slots=True)
class Told:
    """What the model says of a sample, with its weights or without, and what is true."""

    estimate: Estimate
    truth: float


@dataclass(frozen=True, slots=True)
class Cycles:
    """Latency and interval that the simulation counted, against those told with weights and without."""

    is_exact: bool
    is_unknown_exact: bool
    is_unknown_enough: bool


@cache
def told(one: Sample, *, knows_weights: bool) -> Prediction:
    """The model's answer."""
    weights = seeded_weights(
        one.layer.weight_shape, bits=one.options.weight_bits, sparsity=one.sparsity, rng=np.random.default_rng(one.seed)
    )
    return predict(
        one.layer,
        one.options,
        one.flow or "ice40",
        weights=weights if knows_weights else None,
        sparsity=one.sparsity,
        extrapolate=True,
    )


def counted_cycles(point: Point, one: Sample) -> Cycles:
    """Runs two layers through the circuit. Raises: ValueError where its results are wrong."""
    circuit = point.circuit()
    low, high = circuit.options.activation_range
    rng = np.random.default_rng(point.seed)
    layers = [rng.integers(low, high, circuit.primitive.input_shape, endpoint=True) for _ in range(2)]
    found = simulate(circuit, layers)
    for layer, outputs in zip(layers, found.outputs, strict=True):
        if not np.array_equal(outputs, circuit.primitive.reference(circuit.weights, layer)):
            raise ValueError(f"{point} computes something else")
    first, second = found.last_steps
    known, unknown = (told(replace(one, flow="lut6"), knows_weights=knows) for knows in (True, False))
    return Cycles(
        (known.latency_cycles, known.initiation_interval) == (first, second - first),
        unknown.latency_cycles == first,
        unknown.latency_cycles >= first,
    )


def compared(samples: Sequence[Sample], routed: Sequence[Sample]) -> Iterator[tuple[str, list[Told], list[Told]]]:
    """Rows of the table: what, with weights, and without."""
    model = load_area_model()
    counts: list[tuple[str, Callable[[Prediction], Estimate], Callable[[Sample], float], Sequence[str]]] = [
        ("LUTs", lambda one: one.luts, cells, list(FLOWS)),
        ("flip-flops", lambda one: one.flip_flops, lambda one: one.found["flip_flops"], list(FLOWS)),
        ("levels", lambda one: one.levels, lambda one: one.found["depth"], LUT_FLOWS),
    ]
    for what, estimate, truth, flows in counts:
        for pipelined in (True, False):
            for flow in flows:
                chosen = [one for one in samples if (one.flow, one.options.pipelined) == (flow, pipelined)]
                if flow not in model.flows(pipelined=pipelined):
                    continue
                if what == "flip-flops" and not pipelined:  # but for windows there are none
                    chosen = [one for one in chosen if one.found["flip_flops"]]
                known, unknown = (
                    [Told(estimate(told(one, knows_weights=knows)), truth(one)) for one in chosen]
                    for knows in (True, False)
                )
                yield f"{what} {flow}{'' if pipelined else ' combinational'}", known, unknown
    known, unknown = (
        [
            Told(clock, min(one.found["fmax_mhz"], _MAX_CLOCK_MHZ))
            for one in routed
            if (clock := told(one, knows_weights=knows).fmax_mhz) is not None
        ]
        for knows in (True, False)
    )
    yield "MHz ice40_route", known, unknown


def _figures(several: Sequence[Told]) -> list[str]:
    """Relative errors of counts of one or more, as the fit has them."""
    errors = np.array([max(one.estimate.value, 1.0) / max(one.truth, 1.0) - 1 for one in several])
    holds = [
        max(one.estimate.lower, 1.0) <= max(one.truth, 1.0) <= max(one.estimate.upper, 1.0) + 1e-9 for one in several
    ]
    sizes = np.median(np.abs(errors)), np.quantile(np.abs(errors), 0.9)
    return [*(f"{size:.1%}" for size in sizes), f"{np.median(errors):+.1%}", f"{np.mean(holds):.0%}"]


def section(points: Sequence[Point], samples: Sequence[Sample], routed: Sequence[Sample]) -> str:
    """The table and what the simulation counted."""
    rows = [
        [what, str(len(known)), *_figures(known), *_figures(unknown)]
        for what, known, unknown in compared(samples, routed)
        if known
    ]
    of_point = {(one.layer, one.options, one.sparsity): one for one in samples}
    cycles = []
    for point in points:
        key = PRIMITIVES[point.primitive](*point.sizes), point.circuit().options, point.sparsity
        if key in of_point:  # else no flow came to an end
            cycles.append(counted_cycles(point, of_point[key]))
    exact, unknown, enough = (
        sum(getattr(one, name) for one in cycles) for name in ("is_exact", "is_unknown_exact", "is_unknown_enough")
    )
    outside = sum(told(replace(one, flow="lut6"), knows_weights=True).is_extrapolated for one in of_point.values())
    low, high = _BITS
    return f"""### Unrolled layers: circuits that nobody fitted to

{len(cycles)} circuits of all primitives, drawn at random and synthesised for this comparison: weights and activations
of {low} to {high} bits each, sparsities from 0 to {_MOST_SPARSITY}, either encoding, signed activations or not,
with registers or without; {len(routed)} small ones were routed. Errors of `predict` relative to Yosys
{yosys_version()} and nextpnr: with the weights of each circuit, then from shape, widths and sparsity alone. A clock
above {_MAX_CLOCK_MHZ:g} MHz counts as that. {outside} circuits lie outside of what was fitted and are extrapolated.

{markdown_table(_HEADER, rows)}

Two layers through each circuit in simulation: every result is numpy's; latency and interval are those told with
weights in {exact} of {len(cycles)} circuits. Without weights the latency is the same in {unknown} and no shorter than
the true one in {enough}."""


def main() -> None:
    """Draws, synthesises and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 32, 33])
    parser.add_argument("--circuits", type=int, default=10, help="of each seed")
    parser.add_argument("--keep", type=Path, help="folder for rows, so that an interrupted run goes on")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    drawn = zip(*(draw(seed, arguments.circuits) for seed in arguments.seeds), strict=True)
    points = [point for several in drawn for point in several]
    known = {pipelined: load_area_model().flows(pipelined=pipelined) for pipelined in (True, False)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measure(
            folder / "samples.csv", [replace(point, flow=flow) for point in points for flow in known[point.pipelined]]
        )
        small = [point for point in points if point.pipelined and point.work <= _MOST_ROUTED_WORK]
        route(folder / "routed.csv", small)
        body = section(points, read_samples(folder / "samples.csv"), read_samples(folder / "routed.csv"))
    print(body)
    if arguments.write:
        write_section("kratos_blind", body)


if __name__ == "__main__":
    main()
