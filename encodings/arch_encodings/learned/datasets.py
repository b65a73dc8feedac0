"""What learned encoders are trained on and checked with, split so that nothing held out is known from training.

Architectures that the benchmark counts as equal (`isomorphism_class`) stay on one side, and what has the live graph of
a training example, in whatever order of its nodes, is dropped from validation: NAS-Bench-201's classes go by an order
of the edges into a node, and different ones may prune to the same graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeGuard

import numpy as np

from arch_encodings.learned.graph_batch import GraphBatch, stack_graphs
from arch_encodings.learned.vocabulary import Vocabulary
from spaces.base import Architecture, BoolArray, IntArray, SearchSpace, is_enumerable

VALIDATION_SHARE: Final = 0.1


class ClassifiedSpace(SearchSpace, Protocol):
    """A space that knows which of its architectures count as equal."""

    def isomorphism_class(self, architecture: Architecture) -> str:
        """A string that is the same for equal architectures."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The graphs of one space; no live graph occurs in both parts.

    Attributes:
        space: its name.
    """

    space: str
    training: GraphBatch
    validation: GraphBatch


def split_space(space: SearchSpace, vocabulary: Vocabulary, most: int, *, rng: np.random.Generator) -> Split:
    """Graphs of up to `most` architectures of the space, a tenth of the classes in `validation`.

    A space that can be listed is listed and then thinned out; of others `most` architectures are sampled.
    """
    architectures = list(space.enumerate()) if is_enumerable(space) else space.sample(most, rng=rng)
    picked = rng.permutation(len(architectures))[:most].tolist()
    architectures = [architectures[number] for number in picked]
    held_out = held_out_mask(space, architectures, rng=rng)
    graphs = stack_graphs(space, architectures, vocabulary)
    keys = graphs.live_keys()
    known = {key for key, is_held_out in zip(keys, held_out, strict=True) if not is_held_out}
    training = np.flatnonzero(~held_out)
    validation = np.flatnonzero(held_out & np.array([key not in known for key in keys]))
    return Split(space.name, graphs.take(training), graphs.take(validation))


def held_out_mask(space: SearchSpace, architectures: Sequence[Architecture], *, rng: np.random.Generator) -> BoolArray:
    """(n,) whether the class of each architecture belongs to the validation part."""
    if _is_classified(space):
        classes = [space.isomorphism_class(architecture) for architecture in architectures]
    else:
        classes = [architecture.key for architecture in architectures]
    names = sorted(set(classes))
    chosen = rng.choice(len(names), size=max(1, round(VALIDATION_SHARE * len(names))), replace=False)
    held_out = {names[number] for number in chosen.tolist()}
    return np.array([name in held_out for name in classes])


def partners(graphs: GraphBatch, count: int) -> IntArray:
    """(n, count) for each graph the ones next below it in number of parameters (above it at the lower end).

    Source: Yan et al. 2021, sec. 3.1, which also bounds the distance; in sets as dense as these it is far below it.
    """
    order = np.argsort(graphs.params, kind="stable")
    own = np.arange(len(graphs))[:, None]
    ranks = own - np.arange(1, count + 1)
    ranks = np.where(ranks < 0, own - ranks, ranks)
    found = np.empty((len(graphs), count), dtype=np.int64)
    found[order] = order[np.minimum(ranks, len(graphs) - 1)]
    return found


def _is_classified(space: SearchSpace) -> TypeGuard[ClassifiedSpace]:
    return hasattr(space, "isomorphism_class")
