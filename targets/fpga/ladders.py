"""Which form of a layer is the cheapest at each pace: tables of numbers for layers of one shape, made once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import numpy as np

from spaces.base import FloatArray, IntArray, Layer
from targets.fpga.forms import Form, forms
from targets.fpga.hardware import FpgaHardware

RESOURCES: Final = ("luts", "flip_flops", "dsps", "memory_kilobits")
_FIGURES: Final = (*RESOURCES, "luts_lower", "luts_upper", "cycles", "depth", "widest_bits")
# What a table knows of a form, by name its column; see `Ladder.values`.
COLUMNS: Final = {name: column for column, name in enumerate((*_FIGURES, "is_extrapolated", "awaited_share"))}
# Paces that are tried, in cycles from one sample to the next: four for each doubling, up to 2^44.
PACES: Final[FloatArray] = np.unique(np.floor(2 ** (np.arange(177) / 4)))
# In LUTs: what the multiplier of a DSP takes instead, and a share of the ratio of memory to LUTs that parts have.
_PRICES: Final = np.array([1.0, 0.0, 200.0, 10.0])
# All of a layer but its name.
_shape: Final = attrgetter(*(field.name for field in fields(Layer) if field.name != "name"))
# LUTs, more than any part has, of a layer at a pace that none of its forms keeps.
_OUT_OF_REACH: Final = 1e18


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """A layer's cheapest form at each pace.

    Attributes:
        forms: all that the layer can have.
        chosen: (paces,) index of the cheapest.
        values: (paces, columns) of these, see `COLUMNS`; of `is_extrapolated` 1 or 0; of `awaited_share` the part of
            the layer's input that it needs before it starts, NaN where the form takes nothing and no time.
    """

    forms: tuple[Form, ...]
    chosen: IntArray
    values: FloatArray


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


def ladders(
    layers: Sequence[Layer], hardware: FpgaHardware, bits: tuple[int, int], *, has_dsps: bool
) -> tuple[tuple[Ladder, ...], FloatArray]:
    """Those of layers on one part, and their values (layers, paces, columns).

    Args: has_dsps: whether folded layers multiply in DSPs.
    """
    found = tuple(_ladder(layer, hardware, *bits, has_dsps) for layer in layers)  # pyright: ignore[reportArgumentType]  (frozen, so hashable)
    nothing = np.zeros((0, len(PACES), len(COLUMNS)))
    return found, np.stack([ladder.values for ladder in found]) if found else nothing


@lru_cache(maxsize=4096)
def _ladder(layer: Layer, hardware: FpgaHardware, weight_bits: int, activation_bits: int, has_dsps: bool) -> Ladder:
    every = forms(layer, hardware, weight_bits, activation_bits, has_dsps=has_dsps)
    figures = np.array([_row(layer, form) for form in every])
    cycles, prices = figures[:, COLUMNS["cycles"]], figures[:, : len(RESOURCES)] @ _PRICES
    # Forms that keep no pace as long as this one are dearer than any that does.
    # Of equal prices the quickest comes first.
    order = np.argsort(cycles, kind="stable")
    dear = np.where(cycles[order] <= PACES[:, None], prices[order], np.inf)
    chosen = order[dear.argmin(axis=1)]
    values = figures[chosen]
    values[cycles.min() > PACES, COLUMNS["luts"]] = _OUT_OF_REACH
    return Ladder(every, chosen, values)


def _row(layer: Layer, form: Form) -> list[float]:
    figures = [float(getattr(form, name)) for name in _FIGURES]
    return [*figures, float(bool(form.beyond)), np.nan if form.name == "free" else _awaited_share(layer, form)]


def _awaited_share(layer: Layer, form: Form) -> float:
    if form.name == "unrolled" or layer.kind in ("linear", "matmul"):
        return 1.0
    return min(layer.kernel / max(layer.in_height, 1), 1.0)
