"""A target that runs groups of layers at precisions of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from spaces.base import Layer, Workload
from spaces.layer_groups import layer_group
from targets.base import Cost, Cycles, Precision
from targets.errors import NotAdditiveError
from targets.hardware_target import HardwareTarget
from targets.network_ends import with_ends


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """One piece of hardware at several precisions, one after the other; a `Target`.

    Latency and energy are sums over the groups, each as the hardware costs it at the group's precision. The hardware
    is built for the widest operands among them; where that alone leaves areas apart, the largest one counts.

    Attributes:
        groups: sets of layer groups, see `spaces.layer_groups`, with the target of each.
        rest: what runs all other layers.
    """

    groups: tuple[tuple[frozenset[str], HardwareTarget[Any]], ...]
    rest: HardwareTarget[Any]

    @classmethod
    def of(
        cls, groups: Mapping[frozenset[str], HardwareTarget[Any]], rest: HardwareTarget[Any] | None
    ) -> MixedPrecision:
        """Targets that are the same hardware at other native widths.

        Args:
            rest: None where no layer is left, which keeps its widths from counting.

        Raises: NotAdditiveError: costs of a target do not add over layers.
        """
        targets = [*groups.values(), *([rest] if rest is not None else [])]
        for target in targets:
            if not target.is_additive:
                raise NotAdditiveError(target.name)
        widest = _widest(target.native_precision for target in targets)
        built = tuple((names, target.built_for(widest)) for names, target in groups.items())
        return cls(built, targets[-1].built_for(widest))

    @property
    def name(self) -> str:
        """The hardware configuration's."""
        return self.rest.name

    @property
    def native_precision(self) -> Precision:
        """Of the layers that belong to no group."""
        return self.rest.native_precision

    @property
    def is_additive(self) -> bool:
        """As all parts are."""
        return True

    def supports(self, layer: Layer) -> bool:
        """Whether the hardware can run the layer at its precision."""
        return self._target(layer).supports(layer)

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Sum of the groups; rows in the order of the workload.

        Args:
            precision: of the layers that belong to no group; the others keep theirs.

        Raises: UnsupportedPrecisionError, UnsupportedLayerError.
        """
        workload = with_ends(workload)  # which its parts keep
        targets = [target for _, target in self.groups] + [self.rest]
        chosen = [self._index(layer) for layer in workload.layers]
        costs = [
            target.cost(_selected(workload, chosen, index), precision if index == len(self.groups) else None)
            if index in chosen
            else _nothing(target)
            for index, target in enumerate(targets)
        ]
        rows = [iter(cost.layers) for cost in costs]
        parts = dict.fromkeys(part for cost in costs for part in cost.energy_uj)
        cycles = [cost.cycles for cost in costs if cost.cycles is not None]
        return Cost(
            latency_ms=math.fsum(cost.latency_ms for cost in costs),
            energy_mj=_if_known((cost.energy_mj for cost in costs), math.fsum),
            area_mm2=_if_known((cost.area_mm2 for cost in costs), max),
            model=costs[-1].model,
            layers=tuple(next(rows[index]) for index in chosen),
            cycles=sum(cycles, Cycles()) if cycles else None,
            energy_uj={part: math.fsum(cost.energy_uj.get(part, 0.0) for cost in costs) for part in parts},
        )

    def _target(self, layer: Layer) -> HardwareTarget[Any]:
        index = self._index(layer)
        return self.groups[index][1] if index < len(self.groups) else self.rest

    def _index(self, layer: Layer) -> int:
        """Which of the groups the layer belongs to; beyond the last where to none."""
        name = layer_group(layer)
        return next((index for index, (names, _) in enumerate(self.groups) if name in names), len(self.groups))


@lru_cache(maxsize=1024)
def _nothing(target: HardwareTarget[Any]) -> Cost:
    """Of no layer: what of the cost is the hardware's."""
    return target.cost(Workload(()))


def _widest(precisions: Iterable[Precision]) -> Precision:
    pairs = [(each.weight_bits, each.activation_bits) for each in precisions]
    return Precision(*map(max, zip(*pairs, strict=True)))


def _if_known(values: Iterable[float | None], summary: Any) -> float | None:
    """None where one of them is."""
    known = list(values)
    return None if None in known else summary(known)


def _selected(workload: Workload, chosen: list[int], index: int) -> Workload:
    pairs = zip(workload.layers, chosen, strict=True)
    return replace(workload, layers=tuple(layer for layer, each in pairs if each == index), reads=())
