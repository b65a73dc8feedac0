"""Costs of many architectures at once: a table of the parts that they share instead of a workload each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Final

import numpy as np

from spaces.base import Architecture, FloatArray, Layer, SearchSpace, Workload
from spaces.part_table import PartTable
from targets.base import BatchTarget, Cost, CostArrays, Precision, Target
from targets.errors import RefusedNetworkError
from targets.network_ends import part_layers_with_ends

# Workloads of which whole ones are held at once.
_CHUNK: Final = 1024


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
        is_partial: whether architectures that the hardware refuses, as they do not fit, have NaN for every cost.

    Raises:
        UnsupportedPrecisionError, UnsupportedLayerError: as `Target.cost`.
        RefusedNetworkError: unless partial.
        ValueError: a batch below 1.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    precision = precision or target.native_precision
    if target.is_additive:
        table, nothing = _part_table(target, space, precision, batch)
        return _arrays(table(architectures).sum(axis=1), nothing)
    chunks = [architectures[start : start + _CHUNK] for start in range(0, max(len(architectures), 1), _CHUNK)]
    return _joined([_whole(target, space, chunk, precision, batch, is_partial=is_partial) for chunk in chunks])


def _whole(
    target: Target,
    space: SearchSpace,
    architectures: Sequence[Architecture],
    precision: Precision,
    batch: int,
    *,
    is_partial: bool,
) -> CostArrays:
    """Of a target that is not additive."""
    workloads = [replace(space.workload(architecture), batch=batch) for architecture in architectures]
    if isinstance(target, BatchTarget):
        costs = target.cost_arrays(workloads, precision)
    else:
        rows = [_pair_or_nan(target, workload, precision) for workload in workloads]
        costs = _arrays(np.array(rows).reshape(-1, 2), target.cost(Workload(()), precision))
    refused = np.flatnonzero(np.isnan(costs.latency_ms))
    if len(refused) and not is_partial:
        target.cost(workloads[refused[0]], precision)  # which says why
    return costs


def _arrays(totals: FloatArray, nothing: Cost) -> CostArrays:
    """Args: totals: (n, 2) latencies and energies; nothing: the cost of no layer."""
    return CostArrays(
        latency_ms=totals[:, 0],
        energy_mj=None if nothing.energy_mj is None else totals[:, 1],
        area_mm2=nothing.area_mm2,
        model=nothing.model,
    )


def _joined(chunks: Sequence[CostArrays]) -> CostArrays:
    """Chunks of one batch as one."""
    if len(chunks) == 1:
        return chunks[0]
    values = {field.name: [getattr(chunk, field.name) for chunk in chunks] for field in fields(CostArrays)}
    whole = {name: np.concatenate(each) for name, each in values.items() if isinstance(each[0], np.ndarray)}
    return replace(chunks[0], **whole)


def _pair_or_nan(target: Target, workload: Workload, precision: Precision) -> tuple[float, float]:
    try:
        return _pair(target.cost(workload, precision))
    except RefusedNetworkError:
        return np.nan, np.nan


@lru_cache(maxsize=256)
def _part_table(target: Target, space: SearchSpace, precision: Precision, batch: int) -> tuple[PartTable, Cost]:
    """Latency in ms and energy in mJ (NaN where unknown) of each part, and the cost of no layer at all."""

    def cost(layers: tuple[Layer, ...]) -> Cost:
        return target.cost(Workload(part_layers_with_ends(space, layers), batch=batch), precision)

    return PartTable(space, lambda layers: _pair(cost(layers)), 2), cost(())


def _pair(cost: Cost) -> tuple[float, float]:
    return cost.latency_ms, np.nan if cost.energy_mj is None else cost.energy_mj
