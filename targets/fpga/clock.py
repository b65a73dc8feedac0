"""The clock of circuits on a part from the slowest path between their registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from spaces.base import FloatArray
from targets.fpga.area import Estimate, load_area_model

if TYPE_CHECKING:
    from targets.fpga.forms import Form


class Delays(Protocol):
    """Delays of a part, as `FpgaHardware` has them."""

    @property
    def logic_ns(self) -> float:
        """Of a LUT with its wires, from register to register."""
        ...

    @property
    def carry_ns_per_bit(self) -> float:
        """Of a carry chain."""
        ...

    @property
    def max_clock_ghz(self) -> float:
        """Of the clock network."""
        ...


def path_ns(part: Delays, rows: float, chain_bits: float) -> float:
    """Nanoseconds of a path.

    Args:
        rows: of full adders in front of the carry chain, each a LUT with its wires.
        chain_bits: of that chain.
    """
    return part.logic_ns * (1 + rows) + part.carry_ns_per_bit * chain_bits


def clock_ghz(part: Delays, paths_ns: FloatArray) -> FloatArray:
    """Of circuits with such paths, no more than the clock network's."""
    return np.minimum(part.max_clock_ghz, 1 / np.maximum(paths_ns, 1e-12))


def network_clock_ghz(part: Delays, chosen: Sequence[Form]) -> Estimate:
    """With a 90 % interval, as wide as that of delays of routed circuits with such paths."""
    slowest = max(chosen, key=lambda form: path_ns(part, form.rows, form.chain_bits), default=None)
    if slowest is None:
        return Estimate(part.max_clock_ghz, part.max_clock_ghz, part.max_clock_ghz)
    routed = load_area_model().delay_ns.estimate(
        {
            "constant": 1.0,
            "chain_saved_rows": slowest.rows,
            "chain_path_bits": slowest.chain_bits,
            "root_registers": slowest.flip_flops**0.5,
        },
        0.9,
    )
    return scaled_clock_ghz(part, slowest.rows, slowest.chain_bits, routed)


def scaled_clock_ghz(part: Delays, rows: float, chain_bits: float, routed_ns: Estimate) -> Estimate:
    """The clock of a path on a part, with the relative spread of delays on the part that circuits were routed on."""
    ratio = max(path_ns(part, rows, chain_bits), 1e-9) / routed_ns.value
    delays_ns = ratio * np.array([routed_ns.value, routed_ns.upper, routed_ns.lower])
    return Estimate(*clock_ghz(part, delays_ns).tolist())
