"""What every target speaks of: Precision, Mode, LayerCost, Cost, CostArrays and the Target protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from spaces.base import BoolArray, FloatArray, Layer, Workload

# How a model of a published accelerator computes: as its authors' latest code does, as the code behind their paper's
# figures did, or with the known faults of both removed. A key `mode` of such a model's hardware description.
Mode = Literal["published", "figures", "refined"]


@dataclass(frozen=True, slots=True)
class Precision:
    """Widths of the operands of a whole network, in bits.

    A width that is no whole number is a mean: 6-bit weights with an 8-bit scale for each 128 of them have 6.0625.

    Raises:
        ValueError: a width below 1.
    """

    weight_bits: float = 32
    activation_bits: float = 32

    def __post_init__(self) -> None:
        if self.weight_bits < 1 or self.activation_bits < 1:
            raise ValueError(f"operands need at least 1 bit, got {self.weight_bits} and {self.activation_bits}")


@dataclass(frozen=True, slots=True)
class Cycles:
    """Clock cycles of a layer or of a whole run; fractions where a model averages.

    Attributes:
        compute: the arithmetic alone.
        dram: the memory traffic alone.
        total: what passes on the clock.
    """

    compute: float = 0
    dram: float = 0
    total: float = 0

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(self.compute + other.compute, self.dram + other.dram, self.total + other.total)


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one layer costs, for the whole batch.

    Attributes:
        name: the layer's.
        latency_ms: from the layer's start to its end; of layers that run at the same time, what each adds to the
            latency of all.
        energy_mj: None where the target has no energy model.
        macs: multiply-accumulates.
        bytes_moved: traffic with the memory that limits the layer.
        cycles: None where the target does not count cycles.
        energy_uj: by part, in the model's own names; they add up to `energy_mj`. Empty where it has no breakdown.
        details: what the model knows besides, by column name, for tables; the same columns in every row.
    """

    name: str
    latency_ms: float
    energy_mj: float | None
    macs: int
    bytes_moved: float
    cycles: Cycles | None = None
    energy_uj: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a workload costs, for its whole batch.

    Attributes:
        latency_ms: sum over the layers.
        energy_mj: sum over the layers, None where the target has no energy model.
        area_mm2: of the hardware, None where unknown.
        model: the model that produced the numbers.
        layers: rows in the order of the workload.
        cycles: sum over the layers, None where the target does not count cycles.
        energy_uj: by part, sums over the layers.
        resources: what the workload takes of a part that is configured for it, by name; empty for fixed hardware.
        warnings: why the numbers may be further off than the model's own errors are.
    """

    latency_ms: float
    energy_mj: float | None
    area_mm2: float | None
    model: str
    layers: tuple[LayerCost, ...]
    cycles: Cycles | None = None
    energy_uj: Mapping[str, float] = field(default_factory=dict)
    resources: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def total_cost(rows: Sequence[LayerCost], *, model: str, area_mm2: float | None = None) -> Cost:
    """The cost of layers that run one after the other, all of them costed by a model with cycles and energies."""
    parts = dict.fromkeys(part for row in rows for part in row.energy_uj)
    return Cost(
        latency_ms=math.fsum(row.latency_ms for row in rows),
        energy_mj=math.fsum(row.energy_mj or 0.0 for row in rows),
        area_mm2=area_mm2,
        model=model,
        layers=tuple(rows),
        cycles=sum((row.cycles for row in rows if row.cycles is not None), Cycles()),
        energy_uj={part: math.fsum(row.energy_uj.get(part, 0.0) for row in rows) for part in parts},
    )


class Target(Protocol):
    """A hardware configuration under a cost model.

    Contract: immutable, hashable and equal by value, thread-safe, deterministic; a workload without layers costs 0.

    Latency and energy of an additive target add over layers: the cost of a workload is the sum of the costs of its
    parts, whatever the parts and their order, which lets `segment_costs` cost whole spaces by look-up; parts have no
    `input_shape`, and their layers say whether they are a network's ends (`targets.network_ends`). A target in
    which one layer changes what the next one costs (activations that stay on chip, say) says that it is not additive,
    and then gets whole workloads. Whether it is may depend on the hardware description, for example on its `mode`.
    """

    @property
    def name(self) -> str:
        """The hardware configuration's."""
        ...

    @property
    def native_precision(self) -> Precision:
        """What the hardware is used with unless somebody says otherwise."""
        ...

    @property
    def is_additive(self) -> bool:
        """Whether costs add over layers."""
        ...

    def supports(self, layer: Layer) -> bool:
        """Whether the hardware can run the layer at all; `cost` refuses the others. See `targets.host`."""
        ...

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, at the native precision by default.

        Raises: UnsupportedPrecisionError; UnsupportedLayerError for the first layer that the hardware cannot run;
        RefusedNetworkError, such as NotFittingError for a network that takes more than a part has.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CostArrays:
    """Costs of n architectures, in their order; NaN for an architecture that is refused.

    Attributes:
        latency_ms: (n,) of one run of the batch.
        energy_mj: (n,) of one run of the batch, None where the target has no energy model.
        area_mm2: of the hardware, None where unknown.
        model: the model that produced the numbers.
        luts: (n,) of a part that is configured for the architecture, None where the hardware is fixed.
        luts_lower, luts_upper: (n,) bounds of the 90 % intervals of `luts`.
        is_extrapolated: (n,) whether the numbers rest on more than the model was fitted to; None where it is no fit.
    """

    latency_ms: FloatArray
    energy_mj: FloatArray | None
    area_mm2: float | None
    model: str
    luts: FloatArray | None = None
    luts_lower: FloatArray | None = None
    luts_upper: FloatArray | None = None
    is_extrapolated: BoolArray | None = None


@runtime_checkable
class BatchTarget(Protocol):
    """A target that costs several workloads faster together than one by one.

    Contract: the same numbers as `Target.cost`, up to rounding; NaN where that raises RefusedNetworkError.
    """

    def cost_arrays(self, workloads: Sequence[Workload], precision: Precision | None = None) -> CostArrays:
        """Costs of n workloads. Raises: UnsupportedPrecisionError, UnsupportedLayerError."""
        ...
