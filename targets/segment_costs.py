"""Costs of many architectures at once: a table of the parts that they share instead of a workload each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from spaces.base import Architecture, FloatArray, Layer, SearchSpace, Workload
from spaces.part_table import PartTable
from targets.base import Cost, Precision, Target
from targets.errors import NotFittingError
from targets.network_ends import part_layers_with_ends

_RESOURCE: Final = "luts"
_LATENCY, _ENERGY, _LUTS = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class CostArrays:
    """Costs of n architectures, in their order.

    Attributes:
        latency_ms: (n,) of one run of the batch.
        energy_mj: (n,) of one run of the batch, None where the target has no energy model.
        area_mm2: of the hardware, None where unknown.
        model: the model that produced the numbers.
        luts: (n,) of a part that is configured for the architecture, None where the hardware is fixed.
    """

    latency_ms: FloatArray
    energy_mj: FloatArray | None
    area_mm2: float | None
    model: str
    luts: FloatArray | None = None


def segment_costs(
    target: Target,
    space: SearchSpace,
    architectures: Sequence[Architecture],
    precision: Precision | None = None,
    *,
    batch: int = 1,
    is_partial: bool = False,
) -> CostArrays:
    """Cost of each architecture, equal to `target.cost(space.workload(architecture))` up to rounding.

    Args:
        target: one that is not additive costs each workload as a whole, which takes longer.
        space: the architectures' space, hashable: the table is kept per target, space, precision and batch.
        architectures: n of them, also none.
        precision: the target's native one by default.
        batch: samples per run.
        is_partial: whether architectures that do not fit on the hardware have NaN for every cost.

    Raises:
        UnsupportedPrecisionError, UnsupportedLayerError: as `Target.cost`.
        NotFittingError: unless partial.
        ValueError: a batch below 1.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    precision = precision or target.native_precision
    if target.is_additive:
        table, nothing = _part_table(target, space, precision, batch)
        totals = table(architectures).sum(axis=1)
        luts = None
    else:
        nothing = target.cost(Workload(()), precision)
        workloads = [replace(space.workload(architecture), batch=batch) for architecture in architectures]
        rows = [_whole(target, workload, precision, is_partial=is_partial) for workload in workloads]
        totals = np.array(rows).reshape(-1, 3)
        luts = totals[:, _LUTS] if _RESOURCE in nothing.resources else None
    return CostArrays(
        latency_ms=totals[:, _LATENCY],
        energy_mj=None if nothing.energy_mj is None else totals[:, _ENERGY],
        area_mm2=nothing.area_mm2,
        model=nothing.model,
        luts=luts,
    )


def _whole(target: Target, workload: Workload, precision: Precision, *, is_partial: bool) -> tuple[float, float, float]:
    try:
        cost = target.cost(workload, precision)
    except NotFittingError:
        if not is_partial:
            raise
        return np.nan, np.nan, np.nan
    return *_pair(cost), cost.resources.get(_RESOURCE, np.nan)


@lru_cache(maxsize=256)
def _part_table(target: Target, space: SearchSpace, precision: Precision, batch: int) -> tuple[PartTable, Cost]:
    """Latency in ms and energy in mJ (NaN where unknown) of each part, and the cost of no layer at all."""

    def cost(layers: tuple[Layer, ...]) -> Cost:
        return target.cost(Workload(part_layers_with_ends(space, layers), batch=batch), precision)

    return PartTable(space, lambda layers: _pair(cost(layers)), 2), cost(())


def _pair(cost: Cost) -> tuple[float, float]:
    return cost.latency_ms, np.nan if cost.energy_mj is None else cost.energy_mj
