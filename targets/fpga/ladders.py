"""Which form of a layer is the cheapest at each pace: tables of numbers for layers of one shape, made once each.

What is cheap depends on what the part and the other layers leave over, so there is a table for each of several ways of
pricing cells in LUTs. At each the layers together take the least that its prices allow (as with the multipliers of
Lagrange). Layers of a network exchange LUTs for memory at nearly the same rate, and would all change their forms at
nearly the same price: so memory is priced by a power of how much a layer takes, and layers change one by one.

The slowest path of any layer sets the clock of all, and rows of full adders make a path slow. So there are tables for
each number of rows that forms may have at most: few rows and a quick clock, or more of them and fewer LUTs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise, product
from operator import attrgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spaces.base import FloatArray, IntArray, Layer
from targets.fpga.clock import path_ns
from targets.fpga.forms import Form, forms
from targets.fpga.hardware import FpgaHardware

RESOURCES: Final = ("luts", "flip_flops", "dsps", "memory_kilobits")
_FIGURES: Final = (
    *RESOURCES,
    "luts_lower",
    "luts_upper",
    "cycles",
    "depth",
    "rows",
    "luts_per_dsp",
    "flip_flops_per_dsp",
)
# What a table knows of a form, by name its column; see `Ladder.figures`.
COLUMNS: Final = {
    name: column for column, name in enumerate((*_FIGURES, "path_ns", "is_extrapolated", "awaited_share"))
}
# Paces that are tried, in cycles from one sample to the next: four for each doubling, up to 2^44.
PACES: Final[FloatArray] = np.unique(np.floor(2 ** (np.arange(177) / 4)))
# In LUTs; that of a DSP is a share of what it takes in LUTs.
_FLIP_FLOP_PRICES: Final = (0.0, 0.5)
_DSP_SHARES: Final = (0.0, 0.1, 0.5, 1.0)
# Of a kilobit where a layer takes a thousand, and the power of how much a layer takes.
_MEMORY_PRICES: Final = ((0.5, 0.6), (2, 0.6), (8, 0.6), (32, 0.6), (128, 0.6), (512, 0.6), (8, 1.4), (128, 1.4))
_LAYER_KILOBITS: Final = 1000.0
# (prices, 4): of a flip-flop, the share of a DSP, the price of memory and its power.
PRICES: Final = np.array(
    [[*prices, *memory] for *prices, memory in product(_FLIP_FLOP_PRICES, _DSP_SHARES, _MEMORY_PRICES)]
)
# Rows of full adders in front of a carry chain that forms have at most.
MOST_ROWS: Final = (0.0, 1.0, 2.0, 3.0, np.inf)
# All of a layer but its name.
_shape: Final = attrgetter(*(field.name for field in fields(Layer) if field.name != "name"))
# Of a layer at a pace that none of its forms keeps.
_OUT_OF_REACH: Final = Form("none", 1, luts=1e18)


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """A layer's cheapest form at each pace, by prices.

    Attributes:
        forms: all that the layer can have, the quickest first, and last one that no part has room for.
        figures: (forms, columns) of these, see `COLUMNS`; of `is_extrapolated` 1 or 0; of `awaited_share` the part of
            the layer's input that it needs before it starts, NaN where the form takes nothing and no time.
        best: by the index of `MOST_ROWS`, (prices, forms) the cheapest among each form and the quicker ones; only
            where forms of so many rows exist.
        quick: (paces,) how many forms are as quick as each pace.
    """

    forms: tuple[Form, ...]
    figures: FloatArray
    best: Mapping[int, NDArray[np.int16]]
    quick: IntArray

    def chosen(self, rows: int) -> IntArray:
        """(prices, paces) index of the cheapest form of so many rows at most; the last one where none is as quick."""
        best = self.best[max(each for each in self.best if each <= rows)]
        return np.where(self.quick > 0, best[:, self.quick - 1], len(self.forms) - 1)


class Ladders:
    """Those of several layers on one part.

    Attributes:
        paces: that are tried, `PACES` and the wanted one.
        ways: how many there are to choose forms by: rows that these have at most, the fewest first, by prices.
    """

    def __init__(self, layers: Sequence[Layer], hardware: FpgaHardware, bits: tuple[int, int]):
        self.paces = _paces(hardware)
        self._ladders = tuple(_ladder(layer, hardware, *bits) for layer in layers)  # pyright: ignore[reportArgumentType]  (frozen, so hashable)
        self._rows = sorted({0}.union(*(ladder.best for ladder in self._ladders)))
        self.ways = len(self._rows) * len(PRICES)
        self._forms = [form for ladder in self._ladders for form in ladder.forms]
        starts = np.cumsum([0, *(len(ladder.forms) for ladder in self._ladders)])
        nothing = np.zeros((0, len(COLUMNS)))
        self._figures = np.concatenate([nothing, *(ladder.figures for ladder in self._ladders)])
        chosen = np.zeros((len(self._rows), len(PRICES), len(layers), len(self.paces)), int)
        for number, ladder in enumerate(self._ladders):
            for place, rows in enumerate(self._rows):
                chosen[place, :, number] = ladder.chosen(rows) + starts[number]
        self._chosen = chosen.reshape(self.ways, len(layers), len(self.paces))

    def needed(self, way: int, paces: int) -> FloatArray:
        """(layers, paces, resources) in one of the ways, of the quickest so many paces."""
        return self._figures[self._chosen[way, :, :paces], : len(RESOURCES)]

    def figures(self, ways: IntArray, places: IntArray) -> FloatArray:
        """(n, layers, columns) of n networks, each in a way and at a pace of its own."""
        return self._figures[self._chosen[ways, :, places]]

    def forms(self, way: int, place: int) -> list[Form]:
        """Of each layer."""
        return [self._forms[index] for index in self._chosen[way, :, place].tolist()]

    def paths_ns(self) -> FloatArray:
        """(layers, ways) slowest path of any form that a layer may take in each way."""
        of_rows = [
            [
                ladder.figures[ladder.figures[:, COLUMNS["rows"]] <= MOST_ROWS[rows], COLUMNS["path_ns"]].max()
                for rows in self._rows
            ]
            for ladder in self._ladders
        ]
        return np.repeat(np.array(of_rows).reshape(-1, len(self._rows)), len(PRICES), axis=1)

    def in_place(self) -> FloatArray:
        """(layers, 2) LUTs and flip-flops that take the place of a DSP."""
        columns = [COLUMNS[f"{name}_per_dsp"] for name in ("luts", "flip_flops")]
        most = [ladder.figures[:, columns].max(axis=0) for ladder in self._ladders]
        return np.array(most).reshape(-1, len(columns))

    def least(self) -> FloatArray:
        """(layers, resources) that a layer takes in any form, of each whatever it takes of the others; DSPs never."""
        shape = (-1, len(RESOURCES))
        least = np.array([ladder.figures[:-1, : len(RESOURCES)].min(axis=0) for ladder in self._ladders]).reshape(shape)
        # LUTs may take their place.
        return np.where(np.array(RESOURCES) == "dsps", 0.0, least)


def priced(figures: FloatArray) -> FloatArray:
    """(prices, forms) of forms in LUTs. Args: figures: (forms, columns)."""
    luts, flip_flops, dsps, kilobits = figures[:, : len(RESOURCES)].T
    luts_per_dsp, flip_flops_per_dsp = (figures[:, COLUMNS[f"{name}_per_dsp"]] for name in ("luts", "flip_flops"))
    of_flip_flop, of_dsp, of_memory, power = PRICES.T[:, :, None]
    dsp = of_dsp * (luts_per_dsp + of_flip_flop * flip_flops_per_dsp)
    memory = of_memory * _LAYER_KILOBITS * (kilobits / _LAYER_KILOBITS) ** power
    return luts + of_flip_flop * flip_flops + dsp * dsps + memory


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
    figures = np.array([_row(layer, form, hardware) for form in (*every, _OUT_OF_REACH)])
    prices = priced(figures[:-1])
    rows = figures[:-1, COLUMNS["rows"]]
    best: dict[int, NDArray[np.int16]] = {}
    for number, (fewer, most) in enumerate(pairwise((-1.0, *MOST_ROWS))):
        if number and not np.any((rows > fewer) & (rows <= most)):
            continue
        # Of the forms up to each the cheapest; of equal prices the quickest.
        cheapest = np.minimum.accumulate(np.where(rows <= most, prices, np.inf), axis=1)
        before = np.concatenate([np.full((len(PRICES), 1), np.inf), cheapest[:, :-1]], axis=1)
        index = np.where(cheapest < before, np.arange(len(every)), -1)
        found = np.maximum.accumulate(index, axis=1)
        best[number] = np.where(found < 0, len(every), found).astype(np.int16)
    quick = np.searchsorted(figures[:-1, COLUMNS["cycles"]], _paces(hardware), side="right")
    return Ladder((*every, _OUT_OF_REACH), figures, best, quick)


def _paces(hardware: FpgaHardware) -> FloatArray:
    return np.union1d(PACES, [float(hardware.wanted_interval_cycles)])


def _row(layer: Layer, form: Form, hardware: FpgaHardware) -> list[float]:
    figures = [float(getattr(form, name)) for name in _FIGURES]
    share = np.nan if form.name == "free" else _awaited_share(layer, form)
    return [*figures, path_ns(hardware, form.rows, form.chain_bits), float(bool(form.beyond)), share]


def _awaited_share(layer: Layer, form: Form) -> float:
    if form.name == "unrolled" or layer.kind in ("linear", "matmul"):
        return 1.0
    return min(layer.kernel / max(layer.in_height, 1), 1.0)
