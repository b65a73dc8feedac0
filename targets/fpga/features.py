"""What the cells of a layer follow from that nobody gave weights: the mean over seeded ones of its sparsity.

An activation meets M weights, one in each of M sums. What these share of their products has a closed form. A product is
known by its distinct bits: those of an odd number, once powers of two are taken off. Let p be the probability that a
weight needs a bit or an addition. If weights are independent, M of them need it with probability 1 - (1 - p)^M, so the
mean share of each is (1 - (1 - p)^M) / M of it instead of p. A weight is other than zero with probability d and then
each of its values equally likely; with probability (1 - d)^(L - 1) it is alone in a sum of L and keeps its sign.

Sums without what they share, and what they share of their trees, are means over seeded weights: of as many sums as it
takes, and of a block of M shorter ones, because what is equal in two trees is near their leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from math import ceil, floor
from typing import Final

import numpy as np

from targets.fpga.arithmetic import product_terms, scaled_range
from targets.fpga.counts import LUT_SIZES, Additions, Features, operand, tree_features, wide_additions_of
from targets.fpga.netlist import Netlist
from targets.fpga.options import Options
from targets.fpga.primitives import adder_levels
from targets.fpga.weights import seeded_weights

# Weights other than zero of the sums that are drawn, and of each block of sums that share.
_DRAWN_WEIGHTS: Final = 768
_MOST_SUMS: Final = 128
_SHORTEST_BLOCK: Final = 8
# Values that stand for those of wide weights.
_MOST_VALUES: Final = 1024
_SEED: Final = 20_240_706


@lru_cache(maxsize=4096)
def expected_features(length: int, sparsity: float, options: Options, meetings: float = 1) -> Features:
    """Mean of one sum of `length` products whose weights nobody gives: seeded ones of that sparsity.

    Args:
        length: products of a sum, zeros included.
        sparsity: share of zeros.
        options: widths and form.
        meetings: weights that an activation is multiplied with at the same time, which share products: the outputs of
            a matrix product or of a convolution pixel by pixel, times the width of the filter row by row, times its
            area where a whole image is convolved at once.
    """
    density = 1 - sparsity
    drawn = min(max(floor(_DRAWN_WEIGHTS / max(length * density, 1.0)), 1), _MOST_SUMS)
    mean = _drawn(drawn, length, sparsity, options, meetings, is_shared=False)
    if options.pipelined:
        # An activation waits where one of the weights that it meets is not zero.
        waits = length * (1 - (1 - density) ** meetings) / meetings
        mean = replace(mean, window_bits=waits * options.activation_bits)
    if meetings == 1 or not mean.nonzeros:
        return mean
    together = max(min(round(meetings), _MOST_SUMS), 2)
    block = min(max(floor(_DRAWN_WEIGHTS / (together * density)), ceil(_SHORTEST_BLOCK / density)), length)
    in_products = _shared_products(mean, length, density, options, meetings)
    return mean.plus(in_products).plus(_shared_in_trees(block, sparsity, options, together), length / block)


@lru_cache(maxsize=1024)
def _shared_in_trees(length: int, sparsity: float, options: Options, together: int) -> Features:
    """What sharing adds to a sum beside its products, which is mostly less than nothing."""
    apart, shared = (
        _drawn(together, length, sparsity, options, together, is_shared=is_shared) for is_shared in (False, True)
    )
    return shared.plus(apart, -1).plus(_shared_products(apart, length, 1 - sparsity, options, together), -1)


def _drawn(sums: int, length: int, sparsity: float, options: Options, meetings: float, *, is_shared: bool) -> Features:
    """Mean of seeded sums, with activations of their own or the same ones."""
    rows = seeded_weights((sums, length), bits=options.weight_bits, sparsity=sparsity, rng=np.random.default_rng(_SEED))
    # All wait for the longest of a layer: the one that half of all layers stay below.
    longest = np.quantile(np.count_nonzero(rows, axis=1), 0.5 ** (1 / meetings) if meetings > 1 else 1.0)
    taps = [
        [((0 if is_shared else number, place), weight) for place, weight in enumerate(row) if weight]
        for number, row in enumerate(rows.tolist())
    ]
    return tree_features(taps, options, adder_levels(round(float(longest)))).times(1 / sums)


def mean_features(several: Sequence[Features]) -> Features:
    """Of circuits that stand for one; paths, levels and widths are the largest."""
    mean = reduce(Features.plus, several).times(1 / len(several))
    return replace(
        mean,
        widest_bits=max(one.widest_bits for one in several),
        levels=max(one.levels for one in several),
        paths={size: max((one.paths[size] for one in several), key=lambda path: path.logic) for size in LUT_SIZES},
        chain_path=max((one.chain_path for one in several), key=lambda path: path.chain),
    )


def _shared_products(like: Features, length: int, density: float, options: Options, meetings: float) -> Features:
    """What sharing adds to the products of a sum, which is less than nothing."""
    registers: Counter[int] = Counter()
    functions: dict[int, Counter[int]] = {size: Counter() for size in LUT_SIZES}
    wide = dict.fromkeys(LUT_SIZES, Additions())
    lone = (1 - density) ** (length - 1)
    apart = 0.0  # bits of functions, if those of each product were its own

    def change(probability: float) -> float:
        return length * (_share(probability, meetings) - probability)

    for product in _products(options):
        probability = density * (product.share * (1 - lone) + product.lone_share * lone)
        registers.update(dict.fromkeys(product.registers, probability))
        apart += product.narrow_bits * change(probability)
        for size in LUT_SIZES:
            functions[size].update(dict.fromkeys(product.functions[size], probability))
            wide[size] = wide[size].plus(product.wide[size], change(probability))
    narrow = {size: sum(map(change, several.values())) for size, several in functions.items()}
    return replace(
        like.times(0.0),
        additions={size: wide[size].plus(Additions(narrow[size])) for size in LUT_SIZES},
        register_bits=sum(map(change, registers.values())),
        equal_bits=apart - narrow[LUT_SIZES[-1]] if options.pipelined else 0.0,
    )


def _share(probability: float, meetings: float) -> float:
    return (1 - (1 - probability) ** meetings) / meetings


@dataclass(frozen=True, slots=True, eq=False)
class _Product:
    """The product of an activation with an odd number.

    Attributes:
        registers: numbers of its bits where they are stored.
        functions: numbers of those of its bits that fit into a LUT each, by the size of LUTs.
        narrow_bits: how many bits of it fit into the largest LUT, those included that need no logic.
        wide: the other bits, likewise.
        share: of the weights other than zero that take it among others in a sum.
        lone_share: likewise, alone in a sum.
    """

    registers: frozenset[int]
    functions: Mapping[int, frozenset[int]]
    narrow_bits: int
    wide: Mapping[int, Additions]
    share: float
    lone_share: float


@lru_cache(maxsize=256)
def _products(options: Options) -> tuple[_Product, ...]:
    low, high = options.weight_range
    values = np.array([value for value in range(low, high + 1) if value])
    if len(values) > _MOST_VALUES:
        values = np.random.default_rng(_SEED).choice(values, _MOST_VALUES, replace=False)
    odd = Counter(value // (value & -value) for value in values.tolist())
    netlist = Netlist(is_registered=options.pipelined)
    activation = operand(netlist, "x", options)
    found: list[_Product] = []
    for number in {sign * abs(each) for each in odd for sign in (1, -1)}:
        before = len(netlist.additions)
        terms = product_terms(number, activation, options.encoding)
        word = netlist.sum("p", terms, *scaled_range(number, activation.low, activation.high))
        added = list(netlist.additions.values())[before:]
        share = (odd[number] + odd[-number]) / len(values) if number > 0 else 0.0
        found.append(
            _Product(
                netlist.registers & set(word.bits),
                {
                    size: frozenset(name for one in added for name in one.functions[: one.narrow(size)] if name)
                    for size in LUT_SIZES
                },
                sum(len(one.functions) for one in added),
                {size: wide_additions_of(added, size) for size in LUT_SIZES},
                share,
                odd[number] / len(values),
            )
        )
    return tuple(found)
