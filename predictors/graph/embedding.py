"""Architectures as FLAN's network embeds them, each distinct live graph once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from predictors.graph.flan import Flan
from predictors.graph.inputs import GraphInputs, OperationIds
from spaces.base import Architecture, SearchSpace

_CHUNK: Final = 1024


def embed_graphs(
    space: SearchSpace, architectures: Sequence[Architecture], operations: OperationIds, modules: Sequence[Flan]
) -> list[Tensor]:
    """(n, width) by each network, all of one width; graphs are read once.

    Of architectures with the same live graph one is run, as the others embed alike.
    """
    settings = modules[0].settings
    embedded = [torch.zeros(len(architectures), settings.width) for _ in modules]
    for begin in range(0, len(architectures), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        graphs = GraphInputs.of(space, architectures[part], operations)
        first, of_each = _all(graphs) if settings.has_attributes else _distinct(graphs)
        distinct = graphs.take(first)
        with torch.inference_mode():
            for module, rows in zip(modules, embedded, strict=True):
                rows[part] = module.embed(distinct)[of_each]
    return embedded


def _distinct(graphs: GraphInputs) -> tuple[Tensor, Tensor]:
    """One row of each live graph, and for every row which of those it has."""
    ops = torch.where(graphs.live, graphs.ops, 0).flatten(1)
    keys = torch.cat([ops, graphs.adjacency.flatten(1).long()], dim=1).numpy()
    _, first, of_each = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return torch.from_numpy(first), torch.from_numpy(of_each.ravel())


def _all(graphs: GraphInputs) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(graphs))
    return rows, rows
