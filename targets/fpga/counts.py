"""What the cells of unrolled sums of products follow from: distinct additions and registers, as `Netlist` counts them.

A bit of a sum that depends on no more registers than a LUT has inputs takes a LUT, however many terms it has: all bits
of a product of few activation bits are such, and those that are the same function share it. What is wider takes a
carry, whose logic grows with the logarithm of its length in fabric without carry chains, below a row of full adders for
each term beyond the second, but no more than the bit has inputs beyond a LUT's.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import log2
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from targets.fpga.arithmetic import sum_of_products, systolic_sums
from targets.fpga.netlist import FEWEST_TERMS, LUT_SIZES, Addition, Netlist, Path, Word
from targets.fpga.options import Options
from targets.fpga.primitives import GemmSystolic, Primitive, adder_levels
from targets.fpga.wiring import WIRINGS, Stream, Wiring

IntArray = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Additions:
    """Bits of distinct additions, as LUTs of one size see them.

    Attributes:
        narrow_bits: that depend on no more registers or inputs than a LUT has; equal functions once.
        wide_bits: the others, of additions of two terms.
        wide_log_bits: the same, each times the logarithm of how many there are of its addition.
        saved_bits: rows of full adders of the others with more terms.
        saved_log_bits: bits of their last row, times the logarithm likewise.
        chain_bits: of additions of two terms, narrow or wide: cells of a carry chain.
        paired_bits: of these, where both terms have a bit.
        saved_chain_bits: of the last row of the others.
    """

    narrow_bits: float = 0.0
    wide_bits: float = 0.0
    wide_log_bits: float = 0.0
    saved_bits: float = 0.0
    saved_log_bits: float = 0.0
    chain_bits: float = 0.0
    paired_bits: float = 0.0
    saved_chain_bits: float = 0.0

    def plus(self, other: Additions, factor: float = 1.0) -> Additions:
        """With so much of another's."""
        return Additions(*(getattr(self, f.name) + factor * getattr(other, f.name) for f in fields(Additions)))


@dataclass(frozen=True, slots=True)
class Features:
    """Sums over the outputs of a circuit; means of several have fractions.

    Attributes:
        additions: by the size of LUTs.
        register_bits: distinct ones of the products and the trees, when pipelined.
        equal_bits: of these, those that hold the same function of narrow inputs as others.
        inverted_bits: distinct ones that are subtracted from one other term.
        merged_bits: of additions of signed values without registers between, times the levels of their tree beyond the
            first: synthesis makes one sum of many terms of such a tree, with rows as wide as its result.
        window_bits: of the activations that a weight other than zero needs, where they are stored.
        control_bits: of counters and flags.
        sums: of products.
        nonzeros: weights other than zero.
        widest_bits: of the widest addition.
        levels: of the deepest tree; of a systolic array those that a column would take as a tree.
        paths: those of most logic, by the size of LUTs.
        chain_path: the slowest one where carries have chains of their own and LUTs four inputs.
    """

    additions: Mapping[int, Additions] = field(hash=False)
    register_bits: float
    equal_bits: float
    inverted_bits: float
    merged_bits: float
    window_bits: float
    control_bits: float
    sums: float
    nonzeros: float
    widest_bits: float
    levels: float
    paths: Mapping[int, Path] = field(hash=False)
    chain_path: Path

    def times(self, copies: float) -> Features:
        """Of so many circuits side by side."""
        return self.plus(self, copies - 1)

    def plus(self, other: Features, factor: float = 1.0) -> Features:
        """With so much of another circuit's cells; levels, widths and paths stay."""
        return replace(
            self,
            additions={size: each.plus(other.additions[size], factor) for size, each in self.additions.items()},
            **{name: getattr(self, name) + factor * getattr(other, name) for name in _SUMMED},
        )


_SUMMED: Final = (
    "register_bits",
    "equal_bits",
    "inverted_bits",
    "merged_bits",
    "window_bits",
    "control_bits",
    "sums",
    "nonzeros",
)


def layer_features(layer: Primitive, weights: IntArray, options: Options) -> Features:
    """Of a primitive with its weights, exact.

    Args:
        weights: integers of `layer.weight_shape`.
    """
    weights = np.asarray(weights, np.int64)
    if isinstance(layer, GemmSystolic):
        control_bits = 2 * (layer.n + layer.p - 1) + _counter_bits(layer.beats)
        return replace(_chain_features(weights, options), control_bits=float(control_bits))
    wiring: Wiring = WIRINGS[type(layer)](layer, weights)
    levels = max(adder_levels(sum(weight != 0 for weight in column)) for column in wiring.columns)
    sums = [
        [(position, weight) for position, weight in zip(positions, wiring.columns[column], strict=True) if weight]
        for column, positions in wiring.instances
    ]
    stored, control_bits = len({position for taps in sums for position, _ in taps}) * options.pipelined, 0
    if wiring.stream:
        stored = _stored_positions(sums, wiring.beat_elements, wiring.stream, is_pipelined=options.pipelined)
        control_bits = _control_bits(wiring.stream) + (2 * (levels + 2) if options.pipelined else 0)
    return replace(
        tree_features(sums, options, levels),
        window_bits=float(stored * options.activation_bits),
        control_bits=float(control_bits),
    )


def sum_features(rows: IntArray, options: Options, *, is_chain: bool = False) -> Features:
    """Of several sums of products with the same inputs, without the registers of these.

    Args:
        rows: (outputs, L) weights.
        is_chain: whether products are added one after the other, as in a systolic array, and not in a tree.
    """
    if is_chain:
        return _chain_features(np.asarray(rows, np.int64).T, options)
    sums = [[(place, weight) for place, weight in enumerate(row) if weight] for row in np.asarray(rows).tolist()]
    return tree_features(sums, options, max((adder_levels(len(taps)) for taps in sums), default=0))


def tree_features(sums: Sequence[Sequence[tuple[Hashable, int]]], options: Options, levels: int) -> Features:
    """Of sums of (activation, weight) pairs without weights of zero; `levels` is how many each takes."""
    netlist = Netlist(is_registered=options.pipelined)
    for taps in sums:
        if taps:
            words = [operand(netlist, name, options) for name, _ in taps]
            sum_of_products(netlist, [weight for _, weight in taps], words.__getitem__, options, levels=levels)
    return _features(netlist, len(sums), sum(map(len, sums)), levels, options)


def operand(netlist: Netlist, name: Hashable, options: Options) -> Word:
    """An activation."""
    return netlist.entering(name, options.activation_bits, *options.activation_range)


def additions_of(several: Collection[Addition], lut_size: int) -> Additions:
    """Bits of additions, as LUTs of a size see them."""
    functions = {name for one in several for name in one.functions[: one.narrow(lut_size)] if name}
    return wide_additions_of(several, lut_size).plus(Additions(len(functions)))


def wide_additions_of(several: Iterable[Addition], lut_size: int) -> Additions:
    """The same without those that fit into a LUT each, but with all bits of chains."""
    total = Additions()
    for (terms, inputs, paired), (copies, one) in _counted(several).items():
        wide = inputs[one.narrow(lut_size) :]
        wide_log = len(wide) * log2(max(len(wide), 1))
        if terms > FEWEST_TERMS:
            rows = sum(one.rows(count, lut_size) for count in wide)
            found = Additions(saved_bits=rows, saved_log_bits=wide_log, saved_chain_bits=len(inputs))
        else:
            found = Additions(wide_bits=len(wide), wide_log_bits=wide_log, chain_bits=len(inputs), paired_bits=paired)
        total = total.plus(found, copies)
    return total


_Kind = tuple[int, tuple[int, ...], int]


def _counted(several: Iterable[Addition]) -> dict[_Kind, tuple[int, Addition]]:
    """Additions that take the same, one of each with how many they are."""
    found: dict[_Kind, tuple[int, Addition]] = {}
    for one in several:
        kind = one.terms, one.inputs, one.paired_bits
        copies, _ = found.get(kind, (0, one))
        found[kind] = copies + 1, one
    return found


def _chain_features(weights: IntArray, options: Options) -> Features:
    netlist = Netlist(is_registered=options.pipelined)
    array = np.asarray(weights, np.int64)
    systolic_sums(netlist, array, lambda k: operand(netlist, k, options), options)
    return _features(netlist, array.shape[1], int(np.count_nonzero(array)), adder_levels(len(array)), options)


def _features(netlist: Netlist, sums: int, nonzeros: int, levels: int, options: Options) -> Features:
    several = netlist.additions.values()
    paths = {size: [Path(), *(one.paths[size] for one in several)] for size in LUT_SIZES}
    functions = [name for one in several for name in one.functions]
    equal = len(functions) - len(set(functions) - {0}) if options.pipelined else 0
    is_merged = options.signed_activations and not options.pipelined
    merged = sum(len(one.inputs) for one in several) * max(levels - 1, 0) if is_merged else 0
    return Features(
        additions={size: additions_of(several, size) for size in LUT_SIZES},
        register_bits=float(len(netlist.registers)),
        equal_bits=float(equal),
        inverted_bits=float(len(netlist.inverted)),
        merged_bits=float(merged),
        window_bits=0.0,
        control_bits=0.0,
        sums=float(sums),
        nonzeros=float(nonzeros),
        widest_bits=float(max((len(one.inputs) for one in several), default=0)),
        levels=float(levels),
        paths={size: max(several, key=lambda path: path.logic) for size, several in paths.items()},
        chain_path=max(paths[LUT_SIZES[0]], key=lambda path: path.chain),
    )


def _stored_positions(
    sums: Sequence[Sequence[tuple[int, int]]], beat_elements: int, stream: Stream, *, is_pipelined: bool
) -> int:
    """Activations that wait: each from the newest beat to the oldest that a weight needs it in."""
    beats = stream.window if is_pipelined else stream.window - 1
    oldest: dict[int, int] = {}
    for position in {position for taps in sums for position, _ in taps}:
        beat, element = divmod(position, beat_elements)
        oldest[element] = min(beat, oldest.get(element, beat))
    return sum(max(beats - beat, 0) for beat in oldest.values())


def _control_bits(stream: Stream) -> int:
    counters = [stream.band_beats, *(count for count in (stream.stride, stream.bands) if count > 1)]
    return sum(map(_counter_bits, counters))


def _counter_bits(states: int) -> int:
    return (states - 1).bit_length()
