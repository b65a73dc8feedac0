"""What a number format loses on the weights of whole networks, for many architectures at once.

Nobody has trained these networks, so their weights are made up: drawn from Student's t with 5 degrees of freedom, which
Dotzel et al. 2024 (arXiv 2405.03103) find to describe trained weights best, with the standard deviation of He et al.
2015 (arXiv 1502.01852) for the layer's inputs. The same shape gets the same weights, so the error is a fixed number of
each layer, and errors of networks are sums over their layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from spaces.base import Architecture, FloatArray, Layer, SearchSpace
from spaces.layer_groups import layers_of
from spaces.part_table import PartTable
from targets.formats.base import GROUP_SIZE, NumberFormat

_NU = 5
# Of one layer: enough for an error that three digits hold.
_MOST_WEIGHTS = 2**18


Formats = NumberFormat | Mapping[frozenset[str], NumberFormat]
Evaluator = Callable[[Sequence[Architecture]], FloatArray]


def sqnr_evaluator(space: SearchSpace, number_format: Formats) -> Evaluator:
    """n architectures -> (n,) signal to quantisation noise of all their weights in decibels, see `sqnr_db`.

    Infinite for a network without weights or without an error.

    Args: number_format: of all weights, or of each set of layer groups, see `spaces.layer_groups`.
    """
    tables = _energy_tables(space, number_format)

    def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
        signal, noise, _ = _totals(tables, architectures)
        with np.errstate(divide="ignore", invalid="ignore"):
            decibels = 10 * np.log10(signal / noise)
        return np.where(noise > 0, decibels, np.inf)

    return evaluate


def mse_evaluator(space: SearchSpace, number_format: Formats) -> Evaluator:
    """n architectures -> (n,) mean squared error of all their weights, 0 without weights. Args: as `sqnr_evaluator`."""
    tables = _energy_tables(space, number_format)

    def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
        _, noise, weights = _totals(tables, architectures)
        return noise / np.maximum(weights, 1)

    return evaluate


def _energy_tables(space: SearchSpace, number_format: Formats) -> list[PartTable]:
    formats = number_format if isinstance(number_format, Mapping) else {None: number_format}
    return [_energy_table(space, each, groups) for groups, each in formats.items()]


def _totals(tables: Sequence[PartTable], architectures: Sequence[Architecture]) -> FloatArray:
    """(3, n) squares of the weights, squares of their errors, and how many there are."""
    return np.sum([table(architectures).sum(axis=1) for table in tables], axis=0).T


@lru_cache(maxsize=256)
def _energy_table(space: SearchSpace, number_format: NumberFormat, layer_groups: frozenset[str] | None) -> PartTable:
    """Sums of squares of the weights of each part, and of their errors, and how many weights there are."""

    def energies(layers: tuple[Layer, ...]) -> tuple[float, float, float]:
        return _energies(layers if layer_groups is None else layers_of(layers, layer_groups), number_format)

    return PartTable(space, energies, 3)


def _energies(layers: tuple[Layer, ...], number_format: NumberFormat) -> tuple[float, float, float]:
    shapes = [_weight_shape(layer) for layer in layers if layer.kind in ("conv", "linear")]
    each = [_layer_energies(*shape, number_format) for shape in shapes]
    weights = sum(rows * inputs for rows, inputs in shapes)
    return sum(signal for signal, _ in each), sum(noise for _, noise in each), weights


def _weight_shape(layer: Layer) -> tuple[int, int]:
    return layer.out_channels, layer.in_channels // layer.groups * layer.kernel_area


@lru_cache(maxsize=4096)
def _layer_energies(rows: int, inputs: int, number_format: NumberFormat) -> tuple[float, float]:
    """Sums of squares of a layer's weights and of their errors, each output channel grouped alone."""
    drawn = max(1, min(rows, _MOST_WEIGHTS // inputs))
    rng = np.random.default_rng([rows, inputs])
    deviation = np.sqrt(2 / inputs)
    weights = deviation * np.sqrt((_NU - 2) / _NU) * rng.standard_t(_NU, (drawn, inputs))
    errors = weights - number_format.quantise(weights, min(GROUP_SIZE, inputs), np.float64).dequantise()
    scale = rows / drawn
    return scale * float(np.square(weights).sum()), scale * float(np.square(errors).sum())
