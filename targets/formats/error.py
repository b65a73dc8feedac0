"""What a number format loses on a tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from targets.formats.base import GROUP_SIZE, Floats, NumberFormat


def mean_squared_error(values: Floats, dequantised: Floats) -> float:
    """Mean of the squared differences."""
    return float(np.square(values.astype(np.float64) - dequantised).mean())


def sqnr_db(values: Floats, dequantised: Floats) -> float:
    """Signal to quantisation noise in decibels: 10 log10(sum of squares / sum of squared errors).

    Infinite without an error.
    """
    return _decibels(*_energies(values, dequantised))


def network_sqnr_db(tensors: Iterable[tuple[Floats, NumberFormat]], group_size: int = GROUP_SIZE) -> float:
    """The same over all weights of a network, each tensor (rows, n) in its own format."""
    signal = noise = 0.0
    for values, number_format in tensors:
        one = _energies(values, number_format.quantise(values, group_size).dequantise())
        signal, noise = signal + one[0], noise + one[1]
    return _decibels(signal, noise)


def _energies(values: Floats, dequantised: Floats) -> tuple[float, float]:
    exact = values.astype(np.float64)
    return float(np.square(exact).sum()), float(np.square(exact - dequantised).sum())


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf
