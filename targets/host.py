"""A target that hands the layers it cannot run to a host: another target, which takes its turn in between."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spaces.base import Layer, Workload
from spaces.wiring import of_chosen
from targets.base import Cost, Precision, Target
from targets.network_ends import with_ends


@dataclass(frozen=True, slots=True)
class WithHost:
    """The accelerator's cost of what it supports and the host's of the rest, one after the other; a `Target`.

    Cycles are the accelerator's alone, since the host has another clock. The energy is known where both know theirs;
    the area is the accelerator's. The precision is the accelerator's: the host uses its own native one.
    """

    accelerator: Target
    host: Target

    @property
    def name(self) -> str:
        """The accelerator's."""
        return self.accelerator.name

    @property
    def native_precision(self) -> Precision:
        """The accelerator's."""
        return self.accelerator.native_precision

    @property
    def is_additive(self) -> bool:
        """Whether both are."""
        return self.accelerator.is_additive and self.host.is_additive

    def supports(self, layer: Layer) -> bool:
        """Whether one of the two runs the layer."""
        return self.accelerator.supports(layer) or self.host.supports(layer)

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Sum of both; rows in the order of the workload.

        Raises: UnsupportedPrecisionError; UnsupportedLayerError for what neither runs.
        """
        workload = with_ends(workload)  # which its parts keep
        is_ours = [self.accelerator.supports(layer) for layer in workload.layers]
        ours = self.accelerator.cost(_selected(workload, is_ours), precision)
        others = self.host.cost(_selected(workload, [not mine for mine in is_ours]))
        known = ours.energy_mj is not None and others.energy_mj is not None
        our_rows, other_rows = iter(ours.layers), iter(others.layers)
        return replace(
            ours,
            latency_ms=ours.latency_ms + others.latency_ms,
            energy_mj=(ours.energy_mj or 0.0) + (others.energy_mj or 0.0) if known else None,
            layers=tuple(next(our_rows if mine else other_rows) for mine in is_ours),
            energy_uj={**ours.energy_uj, "host": (others.energy_mj or 0.0) * 1e3} if known and ours.energy_uj else {},
        )


def _selected(workload: Workload, chosen: list[bool]) -> Workload:
    layers = tuple(layer for layer, is_chosen in zip(workload.layers, chosen, strict=True) if is_chosen)
    return replace(workload, layers=layers, reads=of_chosen(workload.reads, chosen) if workload.reads else ())
