"""Networks on an FPGA part: how fast spaces are costed, what branches side by side change, how much is extrapolated.

`--write` rewrites the section in docs/targets-fpga.md. Times are of the processor, in one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from report import markdown_table, write_section

from service.device_costs import SimulatedCosts
from spaces import SPACES
from targets import FpgaUnrolled, load_target, segment_costs

_SPACES = ("nb201", "nb101", "nb301", "nds_darts", "nds_amoeba", "tnb101_micro", "tnb101_macro", "fbnet", "ofa")
_PARTS = ("fpga_unrolled", "fpga-zu9eg", "fpga-xc7z020", "fpga-ice40-hx8k")
_SAMPLES = 200
_ONE_BY_ONE = 300


def main() -> int:
    """The report, printed or written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="fpga_unrolled")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    target = load_target(arguments.part)
    if not isinstance(target, FpgaUnrolled):
        parser.error(f"{arguments.part} is no FPGA part")
    body = f"{_spaces(target)}\n\n{_speed(target)}"
    if arguments.write:
        write_section("fpga_networks", body, page="targets-fpga.md")
    else:
        sys.stdout.write(body + "\n")
    return 0


def _spaces(target: FpgaUnrolled) -> str:
    rows = []
    parts = [part for name in _PARTS if isinstance(part := load_target(name), FpgaUnrolled)]
    for name in _SPACES:
        space = SPACES[name]
        drawn = space.sample(_SAMPLES, rng=np.random.default_rng(0))
        workloads = [space.workload(architecture) for architecture in drawn]
        costs = target.cost_arrays(workloads)
        chained = target.cost_arrays([replace(workload, reads=()) for workload in workloads]).latency_ms
        fits = np.isfinite(chained)
        shares = 100 * (costs.latency_ms / chained)[fits]
        assert costs.is_extrapolated is not None
        low, middle, high = np.percentile(shares, [10, 50, 90])
        rows.append(
            [
                name,
                *(f"{100 * np.isfinite(part.cost_arrays(workloads).latency_ms).mean():.0f}%" for part in parts),
                f"{1e3 * np.median(chained[fits]):.4g}",
                f"{1e3 * np.median(costs.latency_ms[fits]):.4g}",
                f"{middle:.0f}% ({low:.0f} to {high:.0f})",
                f"{100 * costs.is_extrapolated[fits].mean():.0f}%",
            ]
        )
    header = [
        "space",
        *(f"fit `{name}`" for name in _PARTS),
        "one after the other, us",
        "side by side, us",
        "share",
        "extrapolated",
    ]
    return f"""{_SAMPLES} networks of each space: how many of them fit on each part as it comes; and on
`{target.name}` medians of the latency with branches one after the other and side by side, what is left of it (median,
and 10 to 90 % of the networks), and how many answers rest on extrapolated areas.

{markdown_table(header, rows)}"""


def _speed(target: FpgaUnrolled) -> str:
    space = SPACES["nb201"]
    every = list(space.enumerate())
    few = space.sample(_ONE_BY_ONE, rng=np.random.default_rng(0))
    alone = _seconds(lambda: [target.cost(space.workload(each)) for each in few]) / len(few)
    whole = _seconds(lambda: segment_costs(target, space, every, is_partial=True))

    def evaluate(metrics: tuple[str, ...]) -> float:
        evaluators = SimulatedCosts(target, space).evaluators
        return _seconds(lambda: [evaluators[name](every[:2000]) for name in metrics])

    one, both = evaluate(("latency_ms",)), evaluate(("latency_ms", "luts"))
    return f"""All {len(every):,} cells of NAS-Bench-201 at once take {whole:.1f} s of processor time, single ones with
their rows of layers {1e3 * alone:.1f} ms each. A search for `latency_ms` takes {1e6 * one / 2000:.0f} us a network,
one for `latency_ms` and `luts` {1e6 * both / 2000:.0f} us."""


def _seconds(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
