"""Which form of a layer is the cheapest at each pace: tables of numbers for layers of one shape, made once each.

What is cheap depends on what the part and the other layers leave over, so there is a table for each of several ways of
pricing cells in LUTs. At each the layers together take the least that its prices allow (as with the multipliers of
Lagrange). Layers of a network exchange LUTs for memory at nearly the same rate, and would all change their forms at
nearly the same price: so memory is priced by a power of how much a layer takes, and layers change one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import product
from operator import attrgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spaces.base import FloatArray, IntArray, Layer
from targets.fpga.clock import path_ns
from targets.fpga.forms import Form, forms
from targets.fpga.hardware import FpgaHardware

RESOURCES: Final = ("luts", "flip_flops", "dsps", "memory_kilobits")
_FIGURES: Final = (*RESOURCES, "luts_lower", "luts_upper", "cycles", "depth", "luts_per_dsp", "flip_flops_per_dsp")
# What a table knows of a form, by name its column; see `Ladder.figures`.
COLUMNS: Final = {
    name: column for column, name in enumerate((*_FIGURES, "path_ns", "is_extrapolated", "awaited_share"))
}
# Paces that are tried, in cycles from one sample to the next: four for each doubling, up to 2^44.
PACES: Final[FloatArray] = np.unique(np.floor(2 ** (np.arange(177) / 4)))
# In LUTs. What unrolled layers save is a few LUTs for each DSP; LUTs in the place of DSPs are counted apart.
_FLIP_FLOP_PRICES: Final = (0.0, 0.5)
_DSP_PRICES: Final = (0.0, 8.0, 64.0)
_KILOBIT_PRICES: Final = (0.5, 2.0, 8.0, 32.0, 128.0, 512.0)  # of each of a thousand
_KILOBIT_POWERS: Final = (0.6, 1.4)
_LAYER_KILOBITS: Final = 1000.0
# (ways, 4) price of a flip-flop, a DSP and a kilobit, and the power of the memory of a layer.
WAYS: Final = np.array(list(product(_FLIP_FLOP_PRICES, _DSP_PRICES, _KILOBIT_PRICES, _KILOBIT_POWERS)))
# All of a layer but its name.
_shape: Final = attrgetter(*(field.name for field in fields(Layer) if field.name != "name"))
# Of a layer at a pace that none of its forms keeps.
_OUT_OF_REACH: Final = Form("none", 1, luts=1e18)


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """A layer's cheapest form at each pace, by prices.

    Attributes:
        forms: all that the layer can have, and last one that no part has room for.
        figures: (forms, columns) of these, see `COLUMNS`; of `is_extrapolated` 1 or 0; of `awaited_share` the part of
            the layer's input that it needs before it starts, NaN where the form takes nothing and no time.
        chosen: (ways, paces) index of the cheapest one; the last one where none is as quick.
    """

    forms: tuple[Form, ...]
    figures: FloatArray
    chosen: NDArray[np.int16]


class Ladders:
    """Those of several layers on one part.

    Attributes:
        ladders: of each layer.
    """

    def __init__(self, layers: Sequence[Layer], hardware: FpgaHardware, bits: tuple[int, int]):
        self.ladders = tuple(_ladder(layer, hardware, *bits) for layer in layers)  # pyright: ignore[reportArgumentType]  (frozen, so hashable)
        sizes = [len(ladder.figures) for ladder in self.ladders]
        self._starts = np.cumsum([0, *sizes])[:-1]
        nothing = np.zeros((0, len(COLUMNS)))
        self._figures = np.concatenate([nothing, *(ladder.figures for ladder in self.ladders)])
        self._chosen = np.zeros((len(WAYS), len(self.ladders), len(PACES)), int)
        for number, ladder in enumerate(self.ladders):
            self._chosen[:, number] = ladder.chosen + self._starts[number]

    def needed(self, way: int, paces: int) -> FloatArray:
        """(layers, paces, resources) at some prices, of the quickest so many paces."""
        return self._figures[self._chosen[way, :, :paces], : len(RESOURCES)]

    def figures(self, ways: IntArray, places: IntArray) -> FloatArray:
        """(n, layers, columns) of n networks, each at prices and a pace of its own."""
        return self._figures[self._chosen[ways, :, places]]

    def in_place(self) -> FloatArray:
        """(layers, 2) LUTs and flip-flops that take the place of a DSP."""
        columns = [COLUMNS[f"{name}_per_dsp"] for name in ("luts", "flip_flops")]
        most = [ladder.figures[:, columns].max(axis=0) for ladder in self.ladders]
        return np.array(most).reshape(-1, len(columns))

    def least(self) -> FloatArray:
        """(layers, resources) that a layer takes in any form, of each whatever it takes of the others; DSPs never."""
        shape = (-1, len(RESOURCES))
        least = np.array([ladder.figures[:-1, : len(RESOURCES)].min(axis=0) for ladder in self.ladders]).reshape(shape)
        # LUTs may take their place.
        return np.where(np.array(RESOURCES) == "dsps", 0.0, least)


def priced(needed: FloatArray) -> FloatArray:
    """(ways, n) price of forms in LUTs. Args: needed: (n, resources)."""
    luts, flip_flops, dsps, kilobits = needed.T
    prices, powers = WAYS[:, :3], WAYS[:, 3:]
    memory = _LAYER_KILOBITS * (kilobits / _LAYER_KILOBITS) ** powers
    return luts + prices[:, :1] * flip_flops + prices[:, 1:2] * dsps + prices[:, 2:] * memory


class Shapes:
    """The layers of several networks, those of one shape under one number.

    Attributes:
        numbers: of each network's layers.
        layers: one of each number.
        counts: (networks, numbers) how many of them each network has.
    """

    def __init__(self, networks: Sequence[Sequence[Layer]]):
        shapes: dict[tuple[Any, ...], int] = {}
        distinct: list[Layer] = []
        known: dict[int, int] = {}  # by identity, as networks of one space share layers; these are alive all the time
        self.numbers: list[list[int]] = []
        for layers in networks:
            for layer in layers:
                if id(layer) not in known:
                    number = known[id(layer)] = shapes.setdefault(_shape(layer), len(shapes))
                    if number == len(distinct):
                        distinct.append(replace(layer, name=""))
            self.numbers.append([known[id(layer)] for layer in layers])
        self.layers = tuple(distinct)
        self.counts = np.zeros((len(networks), len(shapes)))
        for row, numbers in enumerate(self.numbers):
            self.counts[row] = np.bincount(numbers, minlength=len(shapes)) if numbers else 0


@lru_cache(maxsize=4096)
def _ladder(layer: Layer, hardware: FpgaHardware, weight_bits: int, activation_bits: int) -> Ladder:
    every = sorted(forms(layer, hardware, weight_bits, activation_bits), key=lambda form: form.cycles)
    every.append(_OUT_OF_REACH)
    figures = np.array([_row(layer, form, hardware) for form in every])
    prices = priced(figures[:-1, : len(RESOURCES)])
    # Of the forms up to each the cheapest; of equal prices the quickest.
    cheapest = np.minimum.accumulate(prices, axis=1)
    is_cheaper = np.diff(cheapest, axis=1, prepend=np.inf) < 0
    best = np.maximum.accumulate(np.where(is_cheaper, np.arange(len(every) - 1), 0), axis=1)
    # How many forms are as quick as each pace; where it is none, the last one of all stands.
    quick = np.searchsorted(figures[:-1, COLUMNS["cycles"]], PACES, side="right")
    chosen = np.where(quick > 0, best[:, quick - 1], len(every) - 1)
    return Ladder(tuple(every), figures, chosen.astype(np.int16))  # many of them are kept


def _row(layer: Layer, form: Form, hardware: FpgaHardware) -> list[float]:
    figures = [float(getattr(form, name)) for name in _FIGURES]
    share = np.nan if form.name == "free" else _awaited_share(layer, form)
    return [*figures, path_ns(hardware, form.rows, form.chain_bits), float(bool(form.beyond)), share]


def _awaited_share(layer: Layer, form: Form) -> float:
    if form.name == "unrolled" or layer.kind in ("linear", "matmul"):
        return 1.0
    return min(layer.kernel / max(layer.in_height, 1), 1.0)
