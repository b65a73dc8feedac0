"""Constant weights of unrolled circuits: seeded with an exact sparsity, and how many digits they have."""

from __future__ import annotations

from decimal import Decimal
from math import floor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.fpga.errors import InvalidCircuitError

IntArray = NDArray[np.integer[Any]]


def seeded_weights(
    shape: tuple[int, ...], *, bits: int, sparsity: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Weights with exactly floor(size * sparsity) zeros at random places.

    Args:
        shape: of the result.
        bits: width of the two's complement weights; the others are uniform over all its values but zero.
        sparsity: fraction of zeros, from 0 to 1.
        rng: the source of values and places.

    Raises:
        InvalidCircuitError: a sparsity outside 0 to 1, or no bits.
    """
    faults = []
    if not 0 <= sparsity <= 1:
        faults.append(("sparsity", f"must be from 0 to 1, got {sparsity}"))
    if bits < 1:
        faults.append(("bits", f"must be at least 1, got {bits}"))
    if faults:
        raise InvalidCircuitError("weights", faults)
    size = int(np.prod(shape))
    zeros = floor(Decimal(repr(float(sparsity))) * size)
    half = 1 << (bits - 1)
    values = rng.integers(-half, half - 1, size, endpoint=False)
    values[values >= 0] += 1  # -half .. -1 and 1 .. half - 1
    values[rng.permutation(size)[:zeros]] = 0
    return values.reshape(shape)


def checked_weights(weights: ArrayLike, *, shape: tuple[int, ...], bits: int) -> NDArray[np.int64]:
    """Quantised weights as integers.

    Args:
        weights: integers, or floating-point numbers without fraction, of `shape`.
        shape: that they must have.
        bits: of the two's complement that must hold them.

    Raises:
        InvalidCircuitError: another shape, fractions, or values that the bits cannot hold.
    """
    array = np.asarray(weights)
    if array.shape != shape:
        raise InvalidCircuitError("weights", [("shape", f"must be {shape}, got {array.shape}")])
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all() or (array != np.trunc(array)).any():
        raise InvalidCircuitError("weights", [("values", "must be quantised to integers")])
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if array.size and (array.min() < low or array.max() > high):
        raise InvalidCircuitError(
            "weights", [("values", f"must be from {low} to {high} at {bits} bits, got {array.min()} to {array.max()}")]
        )
    return array.astype(np.int64)


def signed_digits(value: int) -> list[tuple[int, int]]:
    """Canonical signed digits of an integer: (exponent, +1 or -1) pairs from the lowest, no two of them adjacent."""
    digits = []
    exponent = 0
    while value:
        if value & 1:
            digit = 2 - (value & 3)
            digits.append((exponent, digit))
            value -= digit
        value >>= 1
        exponent += 1
    return digits


def csd_digits(weights: IntArray) -> int:
    """Canonical signed digits other than zero of all weights: popcount(3m xor m) of the magnitudes m."""
    magnitudes = np.abs(np.asarray(weights, np.int64))
    return int(np.bitwise_count((3 * magnitudes) ^ magnitudes).sum())


def popcount(weights: IntArray) -> int:
    """Ones in the binary magnitudes of all weights."""
    return int(np.bitwise_count(np.abs(np.asarray(weights, np.int64))).sum())
