"""What every search space speaks of: Architecture, ArchGraph, Layer, Workload, and the SearchSpace protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

LayerKind = Literal["conv", "linear", "matmul", "pool", "add", "activation", "norm", "shuffle", "concat", "slice"]
# Anything a user may write for an architecture: a string, a benchmark's index, a list of choices, a benchmark's record.
Notation = str | int | Sequence[int] | Sequence[str] | Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Architecture:
    """One network of one search space; hashable, ordered, the key everywhere.

    Only `SearchSpace.parse`, `sample`, `mutate`, `crossover` and `from_decisions` make one, so `key` is canonical.
    """

    space: str
    key: str

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True, eq=False)
class ArchGraph:
    """The small labelled DAG that graph predictors read.

    Attributes:
        ops: (n,) int64, index into the space's `op_names`.
        adjacency: (n, n) bool, `adjacency[i, j]` is an edge i -> j; topological order, so strictly upper triangular.
        mask: (n,) bool, True where the node lies on a path from an input to an output.
        attributes: (n, k) float64, physical attributes of each node, named by `attribute_names`.
    """

    ops: IntArray
    adjacency: BoolArray
    mask: BoolArray
    attributes: FloatArray
    attribute_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One kernel of a network with its shapes, for one sample (batch 1).

    A dense layer has height = width = 1, or width = tokens. `groups == in_channels` is a depthwise convolution.
    A matmul is a dense layer whose weights are activations too: in attention, keys or values, a group for each head.
    `macs` counts multiply-accumulates of conv, linear and matmul; the other kinds have none.
    """

    name: str
    kind: LayerKind
    in_channels: int
    out_channels: int
    in_height: int = 1
    in_width: int = 1
    out_height: int = 1
    out_width: int = 1
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    has_bias: bool = False
    inputs: int = 1  # tensors read: 2 for an addition
    is_affine: bool = True  # of a norm: whether scale and shift are learned
    kernel_width: int | None = None  # where the kernel is not square; its height is `kernel`
    is_input_streamed: bool = False  # hardware may take the input from the layer before without a way through memory
    is_output_streamed: bool = False  # and hand the output to the next one
    reads_network_input: bool = False  # whether what it reads is the network's own input, which no layer wrote
    writes_network_output: bool = (
        False  # and what it writes the network's own output; `targets.network_ends` marks both
    )

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations."""
        if self.kind not in ("conv", "linear", "matmul"):
            return 0
        return self.out_elements * self.kernel_area * (self.in_channels // self.groups)

    @property
    def params(self) -> int:
        """Learned scalars: weights and bias; scale and shift of a norm."""
        if self.kind == "norm":
            return 2 * self.out_channels if self.is_affine else 0
        if self.kind not in ("conv", "linear"):
            return 0
        return self._weights + (self.out_channels if self.has_bias else 0)

    @property
    def _weights(self) -> int:
        return self.out_channels * self.kernel_area * (self.in_channels // self.groups)

    @property
    def kernel_area(self) -> int:
        """Positions that the kernel covers."""
        return self.kernel * (self.kernel if self.kernel_width is None else self.kernel_width)

    @property
    def in_elements(self) -> int:
        """Scalars read from memory, without learned ones."""
        feature_maps = self.inputs * self.in_channels * self.in_height * self.in_width
        return feature_maps + (self._weights if self.kind == "matmul" else 0)

    @property
    def out_elements(self) -> int:
        """Scalars written."""
        return self.out_channels * self.out_height * self.out_width

    def bytes_moved(self, bits: int = 32) -> float:
        """Input, output and weights moved once each, in bytes, at `bits` per scalar."""
        return (self.in_elements + self.out_elements + self.params) * bits / 8


@dataclass(frozen=True, slots=True)
class Workload:
    """The whole network as layers with shapes: what cost formulas, simulators and ONNX export read.

    Attributes:
        layers: in execution order, dead operations included (measured networks run them too).
        input_shape: (channels, height, width) of one sample.
        batch: samples per run; the layers describe one sample.
        reads: for each layer how many places before it the layers stand whose outputs it reads, none where it reads
            the network's input alone. Empty: every layer reads the one before it.

    Raises: ValueError for `reads` of another length than the layers.
    """

    layers: tuple[Layer, ...]
    input_shape: tuple[int, ...] = field(default=())
    batch: int = 1
    reads: tuple[tuple[int, ...], ...] = field(default=())

    def __post_init__(self) -> None:
        if self.reads and len(self.reads) != len(self.layers):
            raise ValueError(f"{len(self.layers)} layers have {len(self.reads)} entries of what they read")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(layer.macs for layer in self.layers)

    @property
    def params(self) -> int:
        """Learned scalars."""
        return sum(layer.params for layer in self.layers)


class Part(NamedTuple):
    """A piece of a network that many architectures share, named by what its layers depend on.

    Attributes:
        position: the decision that the layers belong to, `NO_DECISION` where they belong to none.
        variant: everything else that they depend on, in the space's own numbers.
    """

    position: int
    variant: tuple[int, ...]


NO_DECISION: Final = -1


class SearchSpace(Protocol):
    """A family of architectures.

    Contract: instances are immutable and thread-safe; every random method takes `rng` and depends on nothing else;
    `parse(a.key) == a`; the architectures a method returns belong to the space.

    The decision view (`choices`, `decisions`, `repair`) says that an architecture is one choice at each position. Not
    every row of choices need be an architecture (`from_decisions` says which; `repair` leads to one), and several rows
    may mean the same one, of which `decisions` gives one. In a space that is the plain product of its choices
    (`is_product`) rows and architectures are one to one.

    The part view (`parts`, `part_layers`) says that the workload is the union of parts that architectures share.
    Costs that add over layers are therefore a table look-up, see `spaces.part_table`, which is what makes costs of
    thousands of architectures a matter of milliseconds.
    """

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        ...

    @property
    def size(self) -> int:
        """Number of architectures."""
        ...

    @property
    def op_names(self) -> tuple[str, ...]:
        """Vocabulary of graph nodes; a node's op is an index into it."""
        ...

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """For each position the names of its choices."""
        ...

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """Groups of the layers of its networks, in the order in which they run; see `spaces.layer_groups`.

        The same for every architecture, of which some may have no layer of a group.
        """
        ...

    def parse(self, notation: Notation) -> Architecture:
        """The architecture that any notation in use names.

        Raises: InvalidArchitectureError with the reason; IndexUnavailableError for an index without its order.
        """
        ...

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in a fixed order. Raises: NotEnumerableError."""
        ...

    def sample(self, count: int, *, rng: np.random.Generator) -> list[Architecture]:
        """`count` distinct architectures, of which each of the space may be one.

        Uniform over a product of choices; other spaces say how they draw. Raises: ValueError if the space has fewer.
        """
        ...

    def mutate(self, architecture: Architecture, *, rng: np.random.Generator) -> Architecture:
        """A neighbour: one decision changed, and whatever must change with it."""
        ...

    def crossover(self, first: Architecture, second: Architecture, *, rng: np.random.Generator) -> Architecture:
        """A child that takes each decision from one of its parents, repaired where that is no architecture."""
        ...

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, positions) index of the choice at each position. Empty input gives (0, positions)."""
        ...

    def from_decisions(self, rows: IntArray) -> list[Architecture]:
        """Inverse of `decisions`.

        Raises: InvalidArchitectureError for a choice out of range and for choices that do not go together.
        """
        ...

    def repair(self, rows: IntArray) -> IntArray:
        """(n, positions) for each row of choices within range one that is an architecture, close to it.

        Deterministic. A row that is an architecture stays one: the same architecture.
        """
        ...

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the graphs of `graphs`: one for most spaces, "normal" and "reduce" for spaces of two cells."""
        ...

    def graphs(self, architecture: Architecture) -> tuple[ArchGraph, ...]:
        """The labelled DAG of each searched cell; the number of nodes of each is the same for every architecture."""
        ...

    def graph(self, architecture: Architecture) -> ArchGraph:
        """The whole architecture as one labelled DAG from one input to one output node.

        Pruned edges are removed, `mask` is False at nodes off every input-output path. With one cell this is its graph;
        several cells stand side by side between a common input and a common output.
        """
        ...

    def workload(self, architecture: Architecture) -> Workload:
        """All layers in execution order; for one sample."""
        ...

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """What the network is made of; together the parts' layers are those of the workload, in any order."""
        ...

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of a part that `parts` gave, over the whole network."""
        ...


class AdditiveSpace(SearchSpace, Protocol):
    """A space whose workload is the fixed layers plus, for each position, a segment that depends on its choice alone.

    There the parts are known without an architecture, and costs of n architectures are one vectorised look-up.
    """

    def fixed_layers(self) -> tuple[Layer, ...]:
        """Layers that every architecture has."""
        ...

    def segment(self, position: int, choice: int) -> tuple[Layer, ...]:
        """Layers that `choice` at `position` adds, over the whole network."""
        ...


def is_additive(space: SearchSpace) -> TypeGuard[AdditiveSpace]:
    """Whether the layers of each choice depend on nothing else."""
    return hasattr(space, "segment") and hasattr(space, "fixed_layers")


def is_product(space: SearchSpace) -> bool:
    """Whether every row of choices is an architecture of its own."""
    return space.size == math.prod(map(len, space.choices))


def is_enumerable(space: SearchSpace, limit: int = 100_000) -> bool:
    """Whether listing the space is reasonable."""
    return math.isfinite(space.size) and space.size <= limit


class ClassifiedSpace(SearchSpace, Protocol):
    """A space in which several architectures may be one and the same network."""

    def isomorphism_class(self, architecture: Architecture) -> str:
        """A string that is equal exactly for architectures that count as one."""
        ...


def has_classes(space: SearchSpace) -> TypeGuard[ClassifiedSpace]:
    """Whether several architectures may be one network; elsewhere each canonical key is a network of its own."""
    return hasattr(space, "isomorphism_class")


def class_of(space: SearchSpace, architecture: Architecture) -> str:
    """Equal for architectures of the space that are one network."""
    return space.isomorphism_class(architecture) if has_classes(space) else architecture.key


def is_chain(space: SearchSpace) -> bool:
    """Whether every network of the space runs its layers one after the other, so that all of them are live."""
    return getattr(space, "is_chain", False)


def is_open(space: SearchSpace) -> bool:
    """Whether users bring the space's architectures: it grows, and each has its own input shape and size."""
    return getattr(space, "is_open", False)
