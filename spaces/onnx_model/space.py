"""The space `onnx`: the networks that users uploaded, each one architecture under its graph's key.

It has one decision, which network; its choices are the stored models in the order of their arrival, so a number once
given stays. It grows while a process runs and differs from one database to another, which is why it is no entry of
`SPACES`: whoever has a store makes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from spaces.base import NO_DECISION, ArchGraph, Architecture, IntArray, Layer, Notation, Part, Workload
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs
from spaces.onnx_model.imported import ImportedModel

NAME: Final = "onnx"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_KINDS: Final = ("conv", "linear", "matmul", "pool", "add", "activation", "norm", "shuffle", "concat", "slice")


class ModelStore(Protocol):
    """Where the space's models are.

    Contract: thread-safe; models are never changed or removed, and `keys` only grows at its end.
    """

    def keys(self) -> Sequence[str]:
        """Of all models, in the order of their arrival."""
        ...

    def get(self, key: str) -> ImportedModel | None:
        """The model of that key, if it is there."""
        ...


class OnnxModels:
    """A `SearchSpace` over a store; equal only to itself."""

    is_open = True

    def __init__(self, store: ModelStore):
        self._store = store

    @property
    def name(self) -> str:
        """The name under which a service offers the space."""
        return NAME

    @property
    def size(self) -> int:
        """Number of models at the moment."""
        return len(self._store.keys())

    @property
    def op_names(self) -> tuple[str, ...]:
        """Kinds of layers, and both ends."""
        return ("input", *_KINDS, "output")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The models at the moment, at the one position."""
        return (tuple(self._store.keys()),)

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """One: what an uploaded network's layers belong to is not known."""
        return ("network",)

    @property
    def cells(self) -> tuple[str, ...]:
        """The network as a whole."""
        return ("network",)

    def model(self, architecture: Architecture) -> ImportedModel:
        """The model behind an architecture. Raises: InvalidArchitectureError."""
        model = self._store.get(architecture.key) if architecture.space == NAME else None
        if model is None:
            raise InvalidArchitectureError(NAME, architecture.key, "no model of that hash was uploaded")
        return model

    def parse(self, notation: Notation) -> Architecture:
        """The model of a hash; also of its number, and of that number or hash alone in a list.

        Raises: InvalidArchitectureError.
        """
        if isinstance(notation, list | tuple) and len(notation) == 1:
            notation = notation[0]
        if isinstance(notation, int) and not isinstance(notation, bool):
            keys = list(self._store.keys())
            if 0 <= notation < len(keys):
                return Architecture(NAME, keys[notation])
            raise InvalidArchitectureError(NAME, notation, f"{len(keys)} models were uploaded")
        if not isinstance(notation, str) or not _KEY.fullmatch(notation.strip().lower()):
            raise InvalidArchitectureError(NAME, notation, "give the 64 hexadecimal digits that the upload answered")
        architecture = Architecture(NAME, notation.strip().lower())
        self.model(architecture)
        return architecture

    def enumerate(self) -> Iterator[Architecture]:
        """Every model in the order of arrival."""
        return (Architecture(NAME, key) for key in self._store.keys())  # noqa: SIM118  (no dict: keys() is all it has)

    def sample(self, count: int, *, rng: np.random.Generator) -> list[Architecture]:
        """`count` distinct models. Raises: ValueError if there are fewer."""
        keys = list(self._store.keys())
        if count > len(keys):
            raise ValueError(f"{NAME} has {len(keys)} architectures, asked for {count}")
        return [Architecture(NAME, keys[index]) for index in rng.choice(len(keys), count, replace=False)]

    def mutate(self, architecture: Architecture, *, rng: np.random.Generator) -> Architecture:
        """Another model; the same where there is only one."""
        others = [key for key in self._store.keys() if key != architecture.key]  # noqa: SIM118
        return Architecture(NAME, others[int(rng.integers(len(others)))]) if others else architecture

    def crossover(self, first: Architecture, second: Architecture, *, rng: np.random.Generator) -> Architecture:
        """One of the parents."""
        return first if rng.random() < 0.5 else second

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 1) number of each model. Raises: InvalidArchitectureError for one that is not there."""
        numbers = {key: number for number, key in enumerate(self._store.keys())}
        for architecture in architectures:
            if architecture.space != NAME or architecture.key not in numbers:
                self.model(architecture)
        rows = [[numbers[architecture.key]] for architecture in architectures]
        return np.array(rows, dtype=np.int64).reshape(len(rows), 1)

    def from_decisions(self, rows: IntArray) -> list[Architecture]:
        """Inverse of `decisions`. Raises: InvalidArchitectureError for a number out of range."""
        return [self.parse(int(row[0])) for row in np.asarray(rows).reshape(-1, 1)]

    def repair(self, rows: IntArray) -> IntArray:
        """The rows: each is an architecture."""
        return np.asarray(rows)

    def graphs(self, architecture: Architecture) -> tuple[ArchGraph, ...]:
        """The network's layers as one graph; its size is the network's own."""
        return (self.graph(architecture),)

    def graph(self, architecture: Architecture) -> ArchGraph:
        """A node for each layer between one input and one output."""
        layers = self.model(architecture).layers
        ops = np.zeros(len(layers) + 2, dtype=np.int64)
        adjacency = np.zeros((len(ops), len(ops)), dtype=np.bool_)
        attributes = np.zeros((len(ops), len(ATTRIBUTE_NAMES)))
        ops[-1] = len(_KINDS) + 1
        for number, one in enumerate(layers, start=1):
            ops[number] = 1 + _KINDS.index(one.layer.kind)
            attributes[number] = layer_costs([one.layer])
            adjacency[[1 + source for source in one.inputs] or [0], number] = True
        is_last = ~adjacency[1:-1].any(axis=1)
        adjacency[1:-1, -1] = is_last
        return ArchGraph(ops, adjacency, np.ones(len(ops), dtype=np.bool_), attributes, ATTRIBUTE_NAMES)

    def workload(self, architecture: Architecture) -> Workload:
        """All layers in execution order, for one run at the batch size of the file."""
        return self.model(architecture).workload

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """The whole network is one part: nothing is known to be shared."""
        self.model(architecture)
        return (Part(NO_DECISION, (int(architecture.key, 16),)),)

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """All layers of a network."""
        return self.workload(Architecture(NAME, f"{part.variant[0]:064x}")).layers
