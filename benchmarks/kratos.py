"""Synthesised layers of Kratos: what the model of areas is fitted to, and a report of the paper's shape.

`synthesise` appends to targets/fpga/synthesis_samples.csv what a seeded grid of circuits takes in each flow, `route` to
routed_samples.csv which clock they reach on an iCE40; both go on where they were interrupted. Rows of another Yosys
than the installed one are kept. `report --write` synthesises sums of products in three widths and four sparsities,
routes some, and rewrites docs/benchmarks.md with a picture.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
from kratos_grid import GROUPS, LUT_FLOWS, Point, grid
from report import markdown_table, write_section

from targets.fpga.circuit import Circuit
from targets.fpga.errors import SynthesisError
from targets.fpga.options import Options
from targets.fpga.place_and_route import place_and_route
from targets.fpga.primitives import PRIMITIVES, GemmTreeFullyUnrolled
from targets.fpga.synthesis import FLOWS, synthesise
from targets.fpga.verilog import generate
from targets.fpga.weights import csd_digits, popcount, seeded_weights
from targets.fpga.yosys import yosys_version

_PICTURE = Path(__file__).resolve().parents[1] / "docs" / "kratos.svg"
_REPORTED_BITS = (2, 4, 8)
_REPORTED_SPARSITIES = (0.0, 0.5, 0.75, 0.9)
_FOLDER = Path(__file__).resolve().parents[1] / "targets" / "fpga"
SAMPLES, _ROUTED = _FOLDER / "synthesis_samples.csv", _FOLDER / "routed_samples.csv"
_CIRCUIT_COLUMNS = [
    "primitive",
    "sizes",
    "multiply_cores",
    "reduction_length",
    "weight_bits",
    "activation_bits",
    "signed_activations",
    "encoding",
    "pipelined",
    "sparsity",
    "seed",
]
_KEY = [*_CIRCUIT_COLUMNS, "flow"]
_COLUMNS = [
    *_CIRCUIT_COLUMNS,
    "nonzeros",
    "max_nonzeros",
    "popcount_bits",
    "csd_digits",
    "flow",
    "k",
    "luts",
    "arithmetic_cells",
    "flip_flops",
    "depth",
    "seconds",
    "tool",
    "tool_version",
    "circuit_hash",
]
_ROUTED_COLUMNS = [
    *_CIRCUIT_COLUMNS,
    "logic_cells",
    "fmax_mhz",
    "seconds",
    "tool",
    "tool_version",
    "circuit_hash",
]
_TIMEOUT_S = 240


def measure(path: Path, points: Sequence[Point], most: int | None = None) -> None:
    """Appends the rows of points that the file lacks, up to so many."""
    done = {tuple(row[column] for column in _KEY) for row in read_rows(path)}
    left = len(points) if most is None else most
    with _appended(path, _COLUMNS) as write:
        for count, point in enumerate(points, 1):
            row = _described(point)
            if not left:
                return
            if tuple(str(row[column]) for column in _KEY) in done:
                continue
            left -= 1
            circuit = point.circuit()
            try:
                result = synthesise(circuit, point.flow, timeout_s=_TIMEOUT_S)
            except SynthesisError as error:
                print(f"{point}: {error}", file=sys.stderr)
                continue
            nonzeros = circuit.weights != 0
            kept_axis = 1 if point.primitive.startswith("gemm") else 0
            other_axes = tuple(axis for axis in range(nonzeros.ndim) if axis != kept_axis)
            write(
                {
                    **row,
                    "nonzeros": int(nonzeros.sum()),
                    "max_nonzeros": int(nonzeros.sum(axis=other_axes).max()),
                    "popcount_bits": popcount(circuit.weights),
                    "csd_digits": csd_digits(circuit.weights),
                    **{**asdict(result), "seconds": f"{result.seconds:.2f}"},
                    "circuit_hash": circuit.circuit_hash[:16],
                }
            )
            print(f"{count}/{len(points)} {point} {result.luts} LUTs {result.seconds:.1f} s", flush=True)


def route(path: Path, points: Sequence[Point], most: int | None = None) -> None:
    """Appends the clocks of pipelined circuits that the file lacks, up to so many."""
    left = len(points) if most is None else most
    done = {tuple(row[column] for column in _CIRCUIT_COLUMNS) for row in read_rows(path)}
    with _appended(path, _ROUTED_COLUMNS) as write:
        for count, point in enumerate(points, 1):
            row = {name: value for name, value in _described(point).items() if name in _CIRCUIT_COLUMNS}
            if not left:
                return
            if tuple(str(row[column]) for column in _CIRCUIT_COLUMNS) in done:
                continue
            left -= 1
            circuit = point.circuit()
            try:
                result = place_and_route(circuit, timeout_s=_TIMEOUT_S)
            except SynthesisError as error:
                print(f"{point}: {error}", file=sys.stderr)
                continue
            found = {name: value for name, value in asdict(result).items() if name in _ROUTED_COLUMNS}
            rounded = {name: f"{found[name]:.2f}" for name in ("fmax_mhz", "seconds")}
            write({**row, **found, **rounded, "circuit_hash": circuit.circuit_hash[:16]})
            print(f"{count}/{len(points)} {point} {result.fmax_mhz:.0f} MHz {result.seconds:.1f} s", flush=True)


@contextmanager
def _appended(path: Path, columns: list[str]) -> Iterator[Callable[[dict[str, object]], None]]:
    """Writes rows that are on the disk at once, below a header where the file is new."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()

        def write(row: dict[str, object]) -> None:
            writer.writerow(row)
            file.flush()

        yield write


def _described(point: Point) -> dict[str, object]:
    layer = PRIMITIVES[point.primitive](*point.sizes)
    return {
        "primitive": point.primitive,
        "sizes": " ".join(f"{name}={size}" for name, size in asdict(layer).items()),
        "multiply_cores": layer.multiply_cores,
        "reduction_length": layer.reduction_length,
        "weight_bits": point.weight_bits,
        "activation_bits": point.activation_bits,
        "signed_activations": point.signed_activations,
        "encoding": point.encoding,
        "pipelined": point.pipelined,
        "sparsity": point.sparsity,
        "seed": point.seed,
        "flow": point.flow,
        "k": point.flow[-1] if point.flow in LUT_FLOWS else {"ice40": 4}.get(point.flow, 6),
    }


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows measured so far."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(seeds: int) -> str:
    """Area against width, sparsity and LUT size, and the clock of routed circuits; means over seeds of the weights."""
    rows: list[list[str]] = []
    luts: dict[tuple[int, float], dict[str, float]] = {}
    for bits in _REPORTED_BITS:
        for sparsity in _REPORTED_SPARSITIES:
            circuits = [_sum_of_products(bits, sparsity, seed) for seed in range(seeds)]
            counts = {flow: float(np.mean([synthesise(each, flow).luts for each in circuits])) for flow in LUT_FLOWS}
            luts[bits, sparsity] = counts
            rows.append([str(bits), f"{sparsity:g}", *(f"{counts[flow]:.0f}" for flow in LUT_FLOWS)])
            print(rows[-1], flush=True)
    ratios = [counts["lut4"] / counts["lut6"] for counts in luts.values()]
    routed = []
    for bits in _REPORTED_BITS[1:]:
        for sparsity in (0.0, 0.5, 0.9):
            found = [place_and_route(_sum_of_products(bits, sparsity, seed)) for seed in range(seeds)]
            cells, clock = (np.mean([getattr(each, name) for each in found]) for name in ("logic_cells", "fmax_mhz"))
            routed.append([str(bits), f"{sparsity:g}", f"{cells:.0f}", f"{clock:.0f}"])
            print(routed[-1], flush=True)
    _draw(luts)
    return f"""### Layers of Kratos, synthesised

Two sums of sixteen products (`gemmt-fu`, pipelined), weights and activations of the same width, means of {seeds} seeds
of the weights. LUTs by Yosys {yosys_version()}, `synth -lut k`:

{markdown_table(["bits", "sparsity", "LUT4", "LUT5", "LUT6"], rows)}

![LUTs against sparsity](kratos.svg)

A circuit takes {np.median(ratios):.2f} times as many LUT4 as LUT6 ({min(ratios):.2f} to {max(ratios):.2f}). With an
area that goes with the 2^k bits of a LUT, that is {4 / np.median(ratios):.1f} times less of it in a fabric of LUT4;
real tiles, whose wires do not shrink along, save less (Kratos: about twice).

The same routed by nextpnr on an iCE40 HX8K, whose clock network ends at 275 MHz:

{markdown_table(["bits", "sparsity", "logic cells", "MHz"], routed)}"""


def _sum_of_products(bits: int, sparsity: float, seed: int) -> Circuit:
    layer = GemmTreeFullyUnrolled(1, 16, 2)
    weights = seeded_weights(layer.weight_shape, bits=bits, sparsity=sparsity, rng=np.random.default_rng(seed))
    return generate(layer, weights, Options(bits, bits))


def _draw(luts: dict[tuple[int, float], dict[str, float]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "archcast"
    figure, axes = plt.subplots(figsize=(6, 3.5))
    for bits in _REPORTED_BITS:
        for flow, style in (("lut4", "--"), ("lut6", "-")):
            values = [luts[bits, sparsity][flow] for sparsity in _REPORTED_SPARSITIES]
            axes.plot(_REPORTED_SPARSITIES, values, style, marker="o", label=f"{bits} bits, {flow.upper()}")
    axes.set(xlabel="sparsity", ylabel="LUTs", yscale="log")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(_PICTURE, metadata={"Date": None})


def main() -> None:
    """Measures or reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["synthesise", "route", "report"])
    parser.add_argument("--flows", nargs="+", choices=FLOWS, default=list(FLOWS))
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--most", type=int, help="rows that are added, all by default")
    parser.add_argument("--max-work", type=float, default=5000, help="leaves out circuits of more bit products")
    parser.add_argument("--samples", type=Path, help="the file of rows, instead of the package's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    points = [point for point in grid(arguments.groups) if point.work <= arguments.max_work]
    if arguments.part == "synthesise":
        chosen = [point for point in points if point.flow in arguments.flows]
        measure(arguments.samples or SAMPLES, chosen, arguments.most)
        return
    if arguments.part == "route":
        chosen = [point for point in points if point.flow == "ice40" and point.pipelined]
        route(arguments.samples or _ROUTED, chosen, arguments.most)
        return
    body = report(arguments.seeds)
    print(body)
    if arguments.write:
        write_section("kratos", body)


if __name__ == "__main__":
    main()
