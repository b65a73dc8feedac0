"""Unrolled matrix products: trees of adders, and the weight-stationary systolic array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from targets.fpga.primitives.base import IntArray, Primitive


@dataclass(frozen=True, slots=True)
class _MatrixProduct(Primitive):
    """A matrix of activations (m, n) times one of weights (n, p)."""

    m: int
    n: int
    p: int

    @property
    def reduction_length(self) -> int:
        return self.n

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.n, self.p

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.m, self.n

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.m, self.p

    def reference(self, weights: IntArray, inputs: IntArray) -> NDArray[np.int64]:
        return np.asarray(inputs, np.int64) @ np.asarray(weights, np.int64)


@dataclass(frozen=True, slots=True)
class GemmTreeFullyUnrolled(_MatrixProduct):
    """A whole matrix product per cycle: the tree of each column once per row."""

    name: ClassVar[str] = "gemmt-fu"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.m * self.p


@dataclass(frozen=True, slots=True)
class GemmTreeRowParallel(_MatrixProduct):
    """A row of the matrix product per cycle: one tree per column."""

    name: ClassVar[str] = "gemmt-rp"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.p

    @property
    def beats(self) -> int:
        """Rows."""
        return self.m


@dataclass(frozen=True, slots=True)
class GemmSystolic(_MatrixProduct):
    """A weight-stationary systolic array of n x p cells; the inputs arrive skewed and so do the outputs leave."""

    name: ClassVar[str] = "gemms-rp"

    @property
    def multiply_cores(self) -> int:
        """Cells of the array."""
        return self.n * self.p

    @property
    def multiplications_per_cycle(self) -> int:
        """One per cell."""
        return self.multiply_cores

    @property
    def beats(self) -> int:
        """Rows."""
        return self.m

    def pipelined_latency_cycles(self, nonzeros: int) -> int:
        """Clock edges until the last output; zero weights keep their cell's register."""
        return self.m + self.n + self.p - 2
