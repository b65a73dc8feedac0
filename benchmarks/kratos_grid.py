"""The circuits that `kratos.py` synthesises and routes: every width, sparsity and primitive, in a seeded order."""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from targets.fpga.circuit import Circuit
from targets.fpga.options import Encoding, Options
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.synthesis import FLOWS
from targets.fpga.verilog import generate
from targets.fpga.weights import seeded_weights


@dataclass(frozen=True, slots=True)
class Point:
    """A circuit of the grid and the flow it is mapped with."""

    primitive: str
    sizes: tuple[int, ...]
    weight_bits: int
    activation_bits: int
    sparsity: float
    flow: str
    pipelined: bool = True
    encoding: Encoding = "csd"
    signed_activations: bool = False

    @property
    def seed(self) -> int:
        """Of the weights: the same in every flow and form, another for each shape, width and sparsity."""
        key = (self.primitive, self.sizes, self.weight_bits, self.sparsity)
        return zlib.crc32(repr(key).encode())

    @property
    def work(self) -> float:
        """Products that remain, times their bits: orders the grid."""
        layer = PRIMITIVES[self.primitive](*self.sizes)
        products = layer.multiply_cores * layer.reduction_length * (1 - self.sparsity)
        return products * self.weight_bits * self.activation_bits * (0.5 if self.pipelined else 1)

    def circuit(self) -> Circuit:
        """With seeded weights."""
        layer = PRIMITIVES[self.primitive](*self.sizes)
        weights = seeded_weights(
            layer.weight_shape, bits=self.weight_bits, sparsity=self.sparsity, rng=np.random.default_rng(self.seed)
        )
        options = Options(
            self.weight_bits, self.activation_bits, self.signed_activations, self.encoding, self.pipelined
        )
        return generate(layer, weights, options)


LUT_FLOWS: Final = ("lut4", "lut5", "lut6")
_OTHER_FORMS: Final[dict[str, list[tuple[int, ...]]]] = {
    "gemmt-fu": [(2, 16, 2), (4, 8, 4)],
    "gemmt-rp": [(4, 16, 4), (8, 32, 4)],
    "gemms-rp": [(4, 8, 8), (8, 16, 4)],
    "conv1d-fu": [(8, 2, 3, 4), (12, 1, 5, 2, 2)],
    "conv1d-pw": [(16, 4, 3, 4), (16, 8, 3, 4)],
    "conv2d-fu": [(4, 4, 1, 3, 4), (5, 5, 2, 2, 2)],
    "conv2d-rp": [(4, 4, 2, 3, 2), (6, 6, 1, 3, 2)],
    "conv2d-pw": [(8, 8, 2, 3, 4), (8, 8, 4, 3, 4, 2)],
}


def _every_form() -> Iterator[Point]:
    """Sums of products in every width and form, then every primitive."""
    shapes = [(1, 8, 2), (1, 16, 2), (1, 32, 2), (1, 64, 1), (1, 32, 4)]
    for sizes, bits, sparsity, flow in itertools.product(shapes, (2, 4, 8), (0.0, 0.5, 0.75, 0.9), FLOWS):
        if flow != "xc7" or sizes in shapes[1:3]:  # the slowest flow
            yield Point("gemmt-fu", sizes, bits, bits, sparsity, flow, True)
            yield Point("gemmt-fu", sizes, bits, bits, sparsity, flow, False)
    mixed: list[tuple[int, int]] = [(2, 8), (4, 8), (8, 4), (6, 6), (8, 8)]
    encodings: tuple[Encoding, ...] = ("csd", "plain")
    for (weight_bits, activation_bits), sparsity, encoding, is_signed in itertools.product(
        mixed, (0.0, 0.5, 0.9), encodings, (False, True)
    ):
        for flow in ("lut4", "lut6", "ice40"):
            yield Point("gemmt-fu", (1, 16, 2), weight_bits, activation_bits, sparsity, flow, True, encoding, is_signed)
    for name, all_sizes in _OTHER_FORMS.items():
        for bits, sparsity, flow in itertools.product((2, 4, 8), (0.0, 0.5, 0.9), (*LUT_FLOWS, "ice40", "intel_alm")):
            yield from (Point(name, sizes, bits, bits, sparsity, flow) for sizes in all_sizes)


def _many_outputs() -> Iterator[Point]:
    """Outputs that share products, and sums of widths between and beyond those of the others."""
    for sizes, bits, sparsity, flow in itertools.product(
        [(1, 8, 16), (1, 16, 8), (1, 4, 32)], (2, 3, 4, 5), (0.0, 0.5, 0.9), ("lut4", "lut6")
    ):
        yield Point("gemmt-fu", sizes, bits, bits, sparsity, flow)
    for (weight_bits, activation_bits), sparsity, flow in itertools.product(
        [(3, 3), (5, 5), (6, 6), (7, 7), (8, 2), (2, 4), (3, 8)], (0.0, 0.5), LUT_FLOWS
    ):
        yield Point("gemmt-fu", (1, 24, 2), weight_bits, activation_bits, sparsity, flow)
        yield Point("gemmt-fu", (1, 12, 2), weight_bits, activation_bits, sparsity, flow, False)


def _long_sums() -> Iterator[Point]:
    """Larger trees than the others."""
    for sizes, bits, sparsity, flow in itertools.product(
        [(1, 256, 1), (1, 512, 1), (1, 128, 4)], (2, 4, 8), (0.5, 0.75, 0.9), LUT_FLOWS
    ):
        yield Point("gemmt-fu", sizes, bits, bits, sparsity, flow)
    for flow, sparsity in itertools.product(LUT_FLOWS, (0.75, 0.9)):
        yield Point("conv2d-pw", (6, 6, 16, 3, 8), 4, 4, sparsity, flow)


def _systolic() -> Iterator[Point]:
    """Arrays whose cells keep their registers where weights are zero."""
    for sizes, bits, sparsity, flow in itertools.product(
        [(4, 8, 8), (8, 16, 4), (4, 24, 2), (4, 6, 3)], (2, 3, 4, 8), (0.0, 0.5, 0.9), (*LUT_FLOWS, "ice40")
    ):
        yield Point("gemms-rp", sizes, bits, bits, sparsity, flow)


def _large_layers() -> Iterator[Point]:
    """Layers whose outputs share many products."""
    for sizes, bits, sparsity, flow in [
        ((1, 64, 16), 4, 0.5, "lut6"),
        ((1, 64, 16), 2, 0.5, "lut6"),
        ((1, 128, 32), 4, 0.9, "lut6"),
        ((1, 64, 16), 4, 0.75, "lut4"),
        ((1, 64, 16), 8, 0.9, "lut6"),
        ((1, 256, 16), 2, 0.75, "lut6"),
    ]:
        yield Point("gemmt-fu", sizes, bits, bits, sparsity, flow)


# Of weights and activations.
_UNEQUAL_BITS: Final[list[tuple[int, int]]] = [
    (2, 2),
    (2, 6),
    (3, 5),
    (4, 8),
    (5, 2),
    (5, 7),
    (6, 4),
    (7, 3),
    (8, 5),
    (8, 8),
]
_SPARSITIES: Final = (0.0, 0.3, 0.6, 0.85)


def _unequal_widths() -> Iterator[Point]:
    """Every primitive in widths that differ, in the flows with carry chains."""
    forms: dict[str, list[tuple[int, ...]]] = {**_OTHER_FORMS, "gemmt-fu": [(1, 16, 2), (1, 48, 3), (2, 24, 6)]}
    for name, all_sizes in forms.items():
        for sizes, bits, sparsity, flow in itertools.product(
            all_sizes, _UNEQUAL_BITS, _SPARSITIES, ("ice40", "xc7", "intel_alm")
        ):
            is_signed = sum(bits) % 4 == 0
            yield Point(name, sizes, bits[0], bits[1], sparsity, flow, signed_activations=is_signed)


def _combinational() -> Iterator[Point]:
    """Every primitive without a pipeline, larger ones too."""
    forms: dict[str, list[tuple[int, ...]]] = {
        **_OTHER_FORMS,
        "gemmt-fu": [(1, 16, 2), (1, 48, 3), (1, 128, 1), (2, 24, 6), (1, 96, 4), (1, 300, 1)],
    }
    for name, all_sizes in forms.items():
        if name == "gemms-rp":
            continue
        for sizes, bits, sparsity, flow in itertools.product(all_sizes, _UNEQUAL_BITS, _SPARSITIES, FLOWS):
            is_signed = sum(bits) % 4 == 0
            encoding: Encoding = "plain" if sum(bits) % 3 == 0 else "csd"
            yield Point(name, sizes, bits[0], bits[1], sparsity, flow, False, encoding, is_signed)


GROUPS: Final = {
    "every-form": _every_form,
    "many-outputs": _many_outputs,
    "long-sums": _long_sums,
    "systolic": _systolic,
    "large-layers": _large_layers,
    "unequal-widths": _unequal_widths,
    "combinational": _combinational,
}


def grid(groups: Collection[str] = tuple(GROUPS)) -> list[Point]:
    """The groups' circuits in a seeded order of which any beginning covers the whole."""
    places: dict[Point, float] = {}
    for seed, (name, group) in enumerate(GROUPS.items()):
        if name not in groups:
            continue
        points = sorted(set(group()), key=repr)
        random.Random(seed).shuffle(points)  # noqa: S311 - an order, no secret
        places |= {point: place / len(points) for place, point in enumerate(points) if point not in places}
    return sorted(places, key=lambda point: (places[point], repr(point)))
