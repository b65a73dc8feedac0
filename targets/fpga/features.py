"""What the area of unrolled sums of products follows from: bits that adders add and that registers hold.

A weight of d digits other than zero takes d - 1 additions as wide as its product, a sum of n products an addition for
each node of its tree, as wide as the range of what has been summed there; signs are pushed towards the root as
`targets.fpga.core` does. Weights of zero have no part in anything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from targets.fpga.options import Encoding, Options
from targets.fpga.primitives import GemmSystolic, Primitive, adder_levels
from targets.fpga.weights import seeded_weights

IntArray = NDArray[np.integer[Any]]
# Sums of products that stand for those of a layer whose weights nobody gives.
_DRAWN: Final = 8
_DRAWN_WEIGHTS: Final = 2048
_SEED: Final = 20_240_706


@dataclass(frozen=True, slots=True)
class Features:
    """Sums over the outputs of a circuit; means of several have fractions.

    Attributes:
        product_bits: bits added within products.
        tree_bits: bits added in the trees.
        operand_bits: bits of the activations that weights other than zero are multiplied with.
        register_bits: of the products and the trees, when pipelined.
        nonzeros: weights other than zero.
        widest_bits: of the widest addition.
        levels: of the deepest tree.
    """

    product_bits: float
    tree_bits: float
    operand_bits: float
    register_bits: float
    nonzeros: float
    widest_bits: float
    levels: float

    def times(self, copies: float) -> Features:
        """Of so many circuits side by side."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Features(
            **{name: value if name in ("widest_bits", "levels") else copies * value for name, value in values.items()}
        )


def layer_features(layer: Primitive, weights: IntArray, options: Options) -> Features:
    """Of a primitive with its weights.

    Args:
        weights: integers of `layer.weight_shape`.
    """
    weights = np.asarray(weights, np.int64)
    rows = weights.T if weights.ndim == 2 else weights.reshape(len(weights), -1)
    single = sum_features(rows, options, is_chain=isinstance(layer, GemmSystolic))
    copies = 1 if isinstance(layer, GemmSystolic) else layer.multiply_cores / len(rows)
    return single.times(copies)


def sum_features(rows: IntArray, options: Options, *, is_chain: bool = False) -> Features:
    """Of several sums of products with the same inputs.

    Args:
        rows: (outputs, L) weights.
        is_chain: whether products are added one after the other, as in a systolic array, and not in a tree.
    """
    levels = max((adder_levels(int(count)) for count in np.count_nonzero(rows, axis=1)), default=0)
    totals = np.zeros(3)
    widest = 0
    for row in rows:
        is_used = row != 0
        low, high, sign = _products(row[is_used], options)
        added, registered, width = _chain(low, high, sign) if is_chain else _tree(low, high, sign, levels)
        products = _bits(low, high)
        digits = _digit_counts(row[is_used], options.encoding)
        totals += (((digits - 1) * products).sum(), added, products.sum() + registered)
        widest = max(widest, width, int(products.max(initial=0)))
    nonzeros = int(np.count_nonzero(rows))
    return Features(
        product_bits=float(totals[0]),
        tree_bits=float(totals[1]),
        operand_bits=float(nonzeros * options.activation_bits),
        register_bits=float(totals[2]),
        nonzeros=float(nonzeros),
        widest_bits=float(widest),
        levels=float(levels),
    )


@lru_cache(maxsize=4096)
def expected_features(length: int, sparsity: float, options: Options) -> Features:
    """Mean of one sum of `length` products whose weights nobody gives: seeded ones of that sparsity."""
    # Zeros lie anywhere in a layer, so single sums have more or fewer of them; short sums need more draws.
    drawn = max(_DRAWN, _DRAWN_WEIGHTS // length)
    shape, rng = (drawn, length), np.random.default_rng(_SEED)
    rows = seeded_weights(shape, bits=options.weight_bits, sparsity=sparsity, rng=rng)
    return sum_features(rows, options).times(1 / drawn)


def _digit_counts(weights: IntArray, encoding: Encoding) -> NDArray[np.int64]:
    magnitudes = np.abs(np.asarray(weights, np.int64))
    return np.bitwise_count(magnitudes if encoding == "plain" else (3 * magnitudes) ^ magnitudes).astype(np.int64)


def _products(
    weights: NDArray[np.int64], options: Options
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Smallest and largest value of each stored product, and the sign that it still lacks."""
    least, most = options.activation_range
    sign = np.where(weights > 0, 1, -1) if len(weights) > 1 else np.ones(len(weights), np.int64)
    ends = np.stack([sign * weights * least, sign * weights * most])
    return ends.min(axis=0), ends.max(axis=0), sign


def _tree(
    low: NDArray[np.int64], high: NDArray[np.int64], sign: NDArray[np.int64], levels: int
) -> tuple[float, float, int]:
    """Bits that are added, bits that are registered below the products, and the widest sum."""
    added = registered = 0.0
    widest = level = 0
    while len(low) > 1:
        level += 1
        pairs = len(low) // 2
        is_root = len(low) == 2
        first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
        joined = np.ones(1, np.int64) if is_root else np.maximum(sign[first], sign[second])
        ends = [
            np.stack([joined * sign[part] * low[part], joined * sign[part] * high[part]]) for part in (first, second)
        ]
        low = np.concatenate([sum(end.min(axis=0) for end in ends), low[2 * pairs :]])
        high = np.concatenate([sum(end.max(axis=0) for end in ends), high[2 * pairs :]])
        sign = np.concatenate([joined, sign[2 * pairs :]])
        widths = _bits(low, high)
        added += float(widths[:pairs].sum())
        registered += float(widths.sum())
        widest = max(widest, int(widths[:pairs].max()))
    if len(low):
        registered += (levels - level) * float(_bits(low, high)[0])
    return added, registered, widest


def _chain(low: NDArray[np.int64], high: NDArray[np.int64], sign: NDArray[np.int64]) -> tuple[float, float, int]:
    ends = np.stack([sign * low, sign * high])
    widths = _bits(np.cumsum(ends.min(axis=0)), np.cumsum(ends.max(axis=0)))
    return float(widths[1:].sum()), float(widths.sum()), int(widths.max(initial=0))


def _bits(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fewest bits of each range, see `targets.fpga.intervals.bits_of`."""
    negative = _length(np.maximum(-low - 1, 0))
    positive = _length(np.maximum(high, 0))
    return np.where(low < 0, np.maximum(negative, positive) + 1, np.maximum(positive, 1))


def _length(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits of numbers that are not negative; exact below 2^53."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)
