"""Every primitive of Kratos, synthesised: area against sparsity, width and the size of LUTs.

`python benchmarks/kratos_primitives.py --write` rewrites its section of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from typing import Final

import numpy as np
from report import markdown_table, write_section

from targets.fpga.options import Options
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.synthesis import synthesise
from targets.fpga.verilog import generate
from targets.fpga.weights import seeded_weights
from targets.fpga.yosys import yosys_version

# Some tens of products each, so that all are synthesised within minutes.
_SIZES: Final[dict[str, tuple[int, ...]]] = {
    "gemmt-fu": (2, 16, 2),
    "gemmt-rp": (4, 16, 4),
    "gemms-rp": (4, 8, 4),
    "conv1d-fu": (8, 2, 3, 2),
    "conv1d-pw": (16, 4, 3, 4),
    "conv2d-fu": (4, 4, 1, 3, 2),
    "conv2d-rp": (4, 4, 2, 3, 1),
    "conv2d-pw": (8, 8, 2, 3, 4),
}
_BITS: Final = (2, 4, 8)
_SPARSITIES: Final = (0.0, 0.5, 0.9)


def main() -> None:
    """Prints the table; with --write rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows: list[list[str]] = []
    ratios: list[float] = []
    for primitive in _SIZES:
        for bits in _BITS:
            small, large = (
                [_mean_luts(primitive, bits, sparsity, flow, arguments.seeds) for sparsity in _SPARSITIES]
                for flow in ("lut4", "lut6")
            )
            ratio = np.divide(small, large)
            ratios += ratio.tolist()
            shares = [f"{100 * luts / large[0]:.0f}%" for luts in large[1:]]
            rows.append([primitive, str(bits), f"{large[0]:.0f}", *shares, f"{ratio.min():.2f} to {ratio.max():.2f}"])
            print(rows[-1], flush=True)
    header = [
        "primitive",
        "bits",
        "LUT6, dense",
        *(f"at {share:.0%} zeros" for share in _SPARSITIES[1:]),
        "LUT4 / LUT6",
    ]
    body = f"""### Primitives of Kratos, synthesised

Pipelined circuits of some tens of products, weights and activations of the same width, means of {arguments.seeds} seeds
of the weights, Yosys {yosys_version()}: LUTs of six inputs without zeros, what is left of them with zeros, and how many
LUTs of four inputs are taken for one of six over all sparsities.

{markdown_table(header, rows)}

LUT4 for each LUT6: {np.median(ratios):.2f} in the median. With an area that goes with the 2^k bits of a LUT a fabric of
LUT4 takes {np.median(ratios) / 4:.0%} of the area (Kratos measures, wires of whole tiles included, about a half)."""
    print(body)
    if arguments.write:
        write_section("kratos_primitives", body)


def _mean_luts(primitive: str, bits: int, sparsity: float, flow: str, seeds: int) -> float:
    layer = PRIMITIVES[primitive](*_SIZES[primitive])
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        weights = seeded_weights(layer.weight_shape, bits=bits, sparsity=sparsity, rng=rng)
        found.append(synthesise(generate(layer, weights, Options(bits, bits)), flow).luts)
    return float(np.mean(found))


if __name__ == "__main__":
    main()
