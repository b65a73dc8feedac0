"""Cost encoding: what the network computes, moves and launches, in total, per operation and per position.

Measured networks run every operation of a cell, also those that do not reach the output, unless a compiler removes
them. So totals and counts come twice: over all operations, and over the live ones (`live_`), those on a path from the
input to the output. Counts without pruning carry most of batch-1 GPU latency; phones whose runtime prunes follow the
live ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from spaces.base import (
    ArchGraph,
    Architecture,
    BoolArray,
    FloatArray,
    IntArray,
    Layer,
    SearchSpace,
    is_additive,
    is_chain,
)
from spaces.part_table import PartTable

_LAYER_COSTS: Final = ("macs", "params", "bytes", "launches")
_LIVE_COSTS: Final = ("live_macs", "live_params", "live_bytes", "live_nodes", "depth")


class Cost:
    """Totals, logarithms, operation counts and per-position costs of a network.

    Columns, named `group:feature`:

    - `total`: MACs, params, bytes moved at 32 bits, kernel launches, natural logarithms of MACs and bytes; the same of
      the live nodes; `depth`, the operations on the longest live path;
    - `count`: positions that made each choice; `live`: live graph nodes with each operation;
    - `layer`: MACs, params, bytes and launches that each position adds; layers that belong to none are in `total` only.
    """

    name = "cost"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """`group:feature` of each column."""
        return (
            *(f"total:{cost}" for cost in (*_LAYER_COSTS, "log_macs", "log_bytes", *_LIVE_COSTS)),
            *(f"count:{choice}" for choice in _choice_names(space)),
            *(f"live:{op}" for op in space.op_names),
            *(f"layer:{position}:{cost}" for position in range(len(space.choices)) for cost in _LAYER_COSTS),
        )

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        decisions = space.decisions(architectures)
        costs = _cost_table(space)(architectures)
        totals = costs.sum(axis=1)
        counts = np.zeros((len(decisions), len(_choice_names(space))))
        made = _count_columns(space)[np.arange(len(space.choices)), decisions]
        np.add.at(counts, (np.arange(len(decisions))[:, None], made), 1.0)
        live = _live(space, architectures, decisions)
        return np.concatenate(
            [
                totals,
                np.log(totals[:, [0, 2]]),
                live[:, : len(_LIVE_COSTS)],
                counts,
                live[:, len(_LIVE_COSTS) :],
                costs[:, 1:].reshape(len(decisions), len(space.choices) * len(_LAYER_COSTS)),
            ],
            axis=1,
        )


def has_path(space: SearchSpace, architectures: Sequence[Architecture]) -> BoolArray:
    """(n,) whether the network's input reaches its output; one that does not is never worth timing or building."""
    if is_chain(space):
        return np.ones(len(architectures), dtype=np.bool_)
    live_nodes = _LIVE_COSTS.index("live_nodes")
    return np.array(
        [_live_costs(space, architecture)[live_nodes] > 0 for architecture in architectures], dtype=np.bool_
    )


def live_macs(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    """(n,) MACs on a path from the input to the output, the column `total:live_macs`, without the others' price."""
    if is_chain(space):
        return _cost_table(space)(architectures).sum(axis=1)[:, _LAYER_COSTS.index("macs")]
    column = _LIVE_COSTS.index("live_macs")
    return np.array([_live_costs(space, architecture)[column] for architecture in architectures], dtype=np.float64)


def _choice_names(space: SearchSpace) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in space.choices for name in names))


def _sum_costs(layers: Sequence[Layer]) -> list[float]:
    return [
        float(sum(layer.macs for layer in layers)),
        float(sum(layer.params for layer in layers)),
        sum(layer.bytes_moved() for layer in layers),
        float(len(layers)),
    ]


@lru_cache(maxsize=32)
def _cost_table(space: SearchSpace) -> PartTable:
    return PartTable(space, _sum_costs, len(_LAYER_COSTS))


@lru_cache(maxsize=32)
def _count_columns(space: SearchSpace) -> IntArray:
    """(positions, most choices) the column of each choice among `_choice_names`."""
    column = {name: number for number, name in enumerate(_choice_names(space))}
    columns = np.zeros((len(space.choices), max(map(len, space.choices))), dtype=np.int64)
    for position, names in enumerate(space.choices):
        columns[position, : len(names)] = [column[name] for name in names]
    return columns


def _live(space: SearchSpace, architectures: Sequence[Architecture], decisions: IntArray) -> FloatArray:
    """(n, `_LIVE_COSTS` and ops) live costs; in a chain of segments they add up, so that no graph is drawn."""
    if is_chain(space) and is_additive(space):
        first, added = _live_table(space)
        return first + added[np.arange(len(space.choices)), decisions].sum(axis=1)
    live = np.array([_live_costs(space, architecture) for architecture in architectures], dtype=np.float64)
    return live.reshape(len(architectures), len(_LIVE_COSTS) + len(space.op_names))


@lru_cache(maxsize=32)
def _live_table(space: SearchSpace) -> tuple[FloatArray, FloatArray]:
    """Live costs of the first choices, and (positions, most choices, costs) what each other one adds to them."""
    rows = np.zeros((1, len(space.choices)), dtype=np.int64)
    first = np.array(_live_costs(space, space.from_decisions(rows)[0]))
    added = np.zeros((len(space.choices), max(map(len, space.choices)), len(first)))
    for position, names in enumerate(space.choices):
        for choice in range(1, len(names)):
            row = rows.copy()
            row[0, position] = choice
            added[position, choice] = np.array(_live_costs(space, space.from_decisions(row)[0])) - first
    return first, added


@lru_cache(maxsize=2**16)
def _live_costs(space: SearchSpace, architecture: Architecture) -> tuple[float, ...]:
    """`_LIVE_COSTS`, then the live nodes of each operation."""
    graph = space.graph(architecture)
    attributes = graph.attributes[graph.mask]
    costs = [attributes[:, graph.attribute_names.index(name)].sum() for name in ("macs", "params", "bytes")]
    counts = np.bincount(graph.ops[graph.mask], minlength=len(space.op_names))
    return (*map(float, costs), float(graph.mask.sum()), _depth(graph), *map(float, counts))


def _depth(graph: ArchGraph) -> float:
    """Operations that move data on the longest live path, the end points aside."""
    works = graph.attributes[:, graph.attribute_names.index("bytes")] > 0
    works[[0, -1]] = False
    adds, longest = works.tolist(), [0] * len(works)
    for start, end in np.argwhere(graph.adjacency).tolist():  # by their starts, in topological order
        longest[end] = max(longest[end], longest[start] + adds[end])
    return float(longest[-1])
