"""What every target speaks of: Precision, LayerCost, Cost and the Target protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from spaces.base import Workload


@dataclass(frozen=True, slots=True)
class Precision:
    """Widths of the operands of a whole network, in bits.

    Raises:
        ValueError: a width below 1.
    """

    weight_bits: int = 32
    activation_bits: int = 32

    def __post_init__(self) -> None:
        if self.weight_bits < 1 or self.activation_bits < 1:
            raise ValueError(f"operands need at least 1 bit, got {self.weight_bits} and {self.activation_bits}")


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one layer costs, for the whole batch.

    Attributes:
        name: the layer's.
        latency_ms: from the layer's start to its end.
        energy_mj: None where the target has no energy model.
        macs: multiply-accumulates.
        bytes_moved: traffic with the memory that limits the layer.
    """

    name: str
    latency_ms: float
    energy_mj: float | None
    macs: int
    bytes_moved: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a workload costs, for its whole batch.

    Attributes:
        latency_ms: sum over the layers.
        energy_mj: sum over the layers, None where the target has no energy model.
        area_mm2: of the hardware, None where unknown.
        model: the model that produced the numbers.
        layers: rows in the order of the workload.
    """

    latency_ms: float
    energy_mj: float | None
    area_mm2: float | None
    model: str
    layers: tuple[LayerCost, ...]


class Target(Protocol):
    """A hardware configuration under a cost model.

    Contract: immutable, hashable and equal by value, thread-safe, deterministic; a workload without layers costs 0.
    Latency and energy add over layers: the cost of a workload is the sum of the costs of its parts, whatever the
    parts, which lets `segment_costs` cost whole spaces by look-up.
    """

    @property
    def name(self) -> str:
        """The hardware configuration's."""
        ...

    @property
    def native_precision(self) -> Precision:
        """What the hardware is used with unless somebody says otherwise."""
        ...

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, at the native precision by default.

        Raises: UnsupportedPrecisionError.
        """
        ...
