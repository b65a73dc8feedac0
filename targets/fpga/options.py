"""How the numbers of an unrolled circuit are coded and whether it has pipeline registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from targets.fpga.errors import InvalidCircuitError

Encoding = Literal["csd", "plain"]

ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding)
MAX_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class Options:
    """Widths and form of a circuit with constant weights.

    Attributes:
        weight_bits: of the two's complement weights, 1 to `MAX_BITS`.
        activation_bits: of the inputs, 1 to `MAX_BITS`.
        signed_activations: two's complement inputs; otherwise from 0 to 2^bits - 1.
        encoding: a constant as the shifted sums of its canonical signed digits (`csd`) or of the binary digits of its
            magnitude (`plain`).
        pipelined: registers behind the inputs, the products and each level of adders.
    """

    weight_bits: int = 4
    activation_bits: int = 4
    signed_activations: bool = False
    encoding: Encoding = "csd"
    pipelined: bool = True

    def __post_init__(self) -> None:
        faults = [
            (field, f"must be from 1 to {MAX_BITS}, got {bits}")
            for field, bits in (("weight_bits", self.weight_bits), ("activation_bits", self.activation_bits))
            if not 1 <= bits <= MAX_BITS
        ]
        if self.encoding not in ENCODINGS:
            faults.append(("encoding", f"must be one of {', '.join(ENCODINGS)}, got {self.encoding!r}"))
        if faults:
            raise InvalidCircuitError("options", faults)

    @property
    def activation_range(self) -> tuple[int, int]:
        """Smallest and largest input value."""
        if self.signed_activations:
            return -(1 << (self.activation_bits - 1)), (1 << (self.activation_bits - 1)) - 1
        return 0, (1 << self.activation_bits) - 1

    @property
    def weight_range(self) -> tuple[int, int]:
        """Smallest and largest weight."""
        return -(1 << (self.weight_bits - 1)), (1 << (self.weight_bits - 1)) - 1
