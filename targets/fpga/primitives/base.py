"""What every unrolled layer tells: its sizes, shapes, cycles and exact result."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from targets.fpga.errors import InvalidCircuitError

IntArray = NDArray[np.integer[Any]]


def adder_levels(terms: int) -> int:
    """Levels of a binary adder tree over so many terms."""
    return max(terms - 1, 0).bit_length()


@dataclass(frozen=True, slots=True)
class Primitive:
    """One unrolled layer with constant weights. Values are hashable; every field is a size of at least one.

    What a subclass adds: `reduction_length`, the products L that one output sums; `multiply_cores`, how often a sum of
    products is instantiated; the shapes; `beats`, the cycles over which the input of one layer arrives, and
    `beat_shape`, what of it arrives in one of them.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        faults = [
            (field.name, f"must be at least 1, got {getattr(self, field.name)}")
            for field in fields(self)
            if getattr(self, field.name) < 1
        ]
        faults = faults or self._size_faults()
        if faults:
            raise InvalidCircuitError(self.name, faults)

    def _size_faults(self) -> list[tuple[str, str]]:
        return []

    @property
    def reduction_length(self) -> int:
        """Products that one output value sums, L."""
        raise NotImplementedError

    @property
    def multiply_cores(self) -> int:
        """Instances of a sum of products."""
        raise NotImplementedError

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(n, p) of a matrix product, else as torch has it: (output channels, input channels, filter...)."""
        raise NotImplementedError

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(m, n) of a matrix product, else (channels, [height,] width)."""
        raise NotImplementedError

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(m, p) of a matrix product, else (output channels, [output height,] output width)."""
        raise NotImplementedError

    @property
    def beats(self) -> int:
        """Cycles over which the input of one layer arrives."""
        return 1

    @property
    def multiplications(self) -> int:
        """Products of the whole layer, those by zero included."""
        return prod(self.output_shape) * self.reduction_length

    @property
    def multiplications_per_cycle(self) -> int:
        """Products that are instantiated, those by zero included."""
        return self.multiply_cores * self.reduction_length

    @property
    def initiation_interval(self) -> int:
        """Cycles from one layer's first input to the next one's."""
        return self.beats

    @property
    def latency_cycles(self) -> int:
        """Clock edges from the first input to the last output of the pipelined circuit when no weight is zero."""
        return self.pipelined_latency_cycles(self.reduction_length)

    def pipelined_latency_cycles(self, nonzeros: int) -> int:
        """Clock edges from the first input to the last output of the pipelined circuit.

        Args:
            nonzeros: weights other than zero in the output that has most of them.
        """
        return self.beats - 1 + adder_levels(nonzeros) + 2

    def reference(self, weights: IntArray, inputs: IntArray) -> NDArray[np.int64]:
        """The layer's exact result.

        Args:
            weights: integers of `weight_shape`.
            inputs: integers of `input_shape`.

        Returns:
            Array of `output_shape`.
        """
        raise NotImplementedError


def output_size(size: int, filter_size: int, stride: int) -> int:
    """Positions of a filter along a dimension, without padding."""
    return (size - filter_size) // stride + 1
