"""In which forms a layer can stand on the fabric, what each takes, and how long: unrolled ones and folded ones.

- Unrolled (Kratos): a tree for each output channel with its weights as constants, once (pixel-wise), for each pixel of
  a row (row-parallel, without stride) or for each pixel (fully unrolled).
- Folded: some multiply-accumulate units take the products of a layer one after the other, zeros included, with weights
  from block RAM. A unit is a share of a DSP, or a multiplier and an accumulator of LUTs: w a cells for operands of w
  and a bits, as an array of carry-save adders has, and the accumulator's bits. Products of activations have no weights
  that could be constants, so they are always folded.
- Pooling and additions take an adder (or comparator) for each further operand, in one lane or more up to all channels.
  An addition needs memory for the branch that waits: a whole feature map.
- Window buffers, of one row less than the window has, are in block RAM in every form but the fully unrolled one.
- What an unrolled form takes comes from the fitted model of areas; a tree of more weights or levels than any that was
  synthesised, or operands of other widths, lie beyond it, and the form says so.
- Norms and activation functions are thresholds at the end of a tree; they, and moving data, take nothing of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from spaces.base import Layer
from targets.fpga.area import load_area_model
from targets.fpga.features import Features, expected_features
from targets.fpga.hardware import FpgaHardware
from targets.fpga.options import Options
from targets.fpga.primitives import adder_levels
from targets.layer_kinds import PRODUCT_KINDS

_KILOBIT: Final = 1024.0
# A block of 20 kilobits is 40 bits wide, one of 36 kilobits 72: what is read in a cycle takes blocks too.
_KILOBITS_PER_PORT_BIT: Final = 0.5
# Registers before and behind the arithmetic.
_ENDS: Final = 2


class Beyond(NamedTuple):
    """A property of a circuit outside of what the model of areas was fitted to: which, its value, the fitted bounds."""

    name: str
    value: float
    bounds: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Form:
    """A layer on the fabric.

    Attributes:
        name: `unrolled`, `row-parallel`, `pixel-wise`, `folded`, `streamed`, or `free`.
        cycles: from one sample to the next.
        depth: further cycles until the last result is there.
        luts, flip_flops, dsps, memory_kilobits: what it takes.
        luts_lower, luts_upper: bounds of a 90 % interval of `luts`, as wide as within the model's range.
        widest_bits: of its additions.
        beyond: why its cells are extrapolated; empty where they are not.
    """

    name: str
    cycles: int
    depth: int = 0
    luts: float = 0.0
    flip_flops: float = 0.0
    dsps: int = 0
    memory_kilobits: float = 0.0
    luts_lower: float = 0.0
    luts_upper: float = 0.0
    widest_bits: float = 0.0
    beyond: tuple[Beyond, ...] = ()


def forms(
    layer: Layer, hardware: FpgaHardware, weight_bits: int, activation_bits: int, *, has_dsps: bool
) -> tuple[Form, ...]:
    """Every form of a layer, in no order.

    Args:
        has_dsps: whether folded layers multiply in DSPs; otherwise in LUTs.
    """
    options = hardware.options(weight_bits, activation_bits)
    if layer.kind in PRODUCT_KINDS:
        unrolled = () if layer.kind == "matmul" else tuple(_unrolled(layer, hardware, options))
        return (*unrolled, *_folded(layer, options, hardware, has_dsps=has_dsps))
    if layer.kind in ("add", "pool"):
        return tuple(_streamed(layer, options))
    return (Form("free", 1),)


def _unrolled(layer: Layer, hardware: FpgaHardware, options: Options) -> Iterator[Form]:
    length = layer.kernel_area * (layer.in_channels // layer.groups)
    tree = expected_features(length, hardware.sparsity, options)
    beyond = _beyond(tree, options)
    width = (layer.out_width - 1) * layer.stride + (layer.kernel_width or layer.kernel)
    height = (layer.out_height - 1) * layer.stride + layer.kernel
    copies = {"pixel-wise": (1, layer.out_height * width, layer.kernel_area * layer.in_channels)}
    if layer.stride == 1 and layer.out_height > 1:
        copies["row-parallel"] = (layer.out_width, height, layer.kernel * width * layer.in_channels)
    pixels = layer.out_height * layer.out_width
    if pixels > 1:
        copies["unrolled"] = (pixels, 1, layer.in_height * layer.in_width * layer.in_channels)
    for name, (trees, cycles, values) in copies.items():
        features = tree.times(layer.out_channels * trees)
        luts, flip_flops = load_area_model().area(
            features,
            options,
            hardware.lut_size,
            values * options.activation_bits,
            extrapolate=True,
        )
        yield Form(
            name,
            cycles,
            int(tree.levels) + _ENDS,
            luts.value,
            flip_flops.value,
            luts_lower=luts.lower,
            luts_upper=luts.upper,
            widest_bits=tree.widest_bits,
            beyond=beyond,
            memory_kilobits=0.0 if name == "unrolled" else _rows_kilobits(layer, options),
        )


def _beyond(tree: Features, options: Options) -> tuple[Beyond, ...]:
    """What of a single tree the model of areas has not seen; many of them beside each other are no news to it."""
    ranges = load_area_model().ranges
    widths = {"weight_bits": options.weight_bits, "activation_bits": options.activation_bits}
    outside = [name for name, bits in widths.items() if not ranges[name][0] <= bits <= ranges[name][1]]
    sizes = {"nonzeros": tree.nonzeros, "levels": tree.levels}
    outside += [name for name, size in sizes.items() if size > ranges[name][1]]
    return tuple(Beyond(name, float({**widths, **sizes}[name]), ranges[name]) for name in outside)


def _folded(layer: Layer, options: Options, hardware: FpgaHardware, *, has_dsps: bool) -> Iterator[Form]:
    length = layer.kernel_area * (layer.in_channels // layer.groups)
    products = layer.out_channels * length
    pixels = layer.out_height * layer.out_width
    product_bits = options.weight_bits + options.activation_bits
    sum_bits = product_bits + adder_levels(length)
    weights, rows = layer.params * options.weight_bits / _KILOBIT, _rows_kilobits(layer, options)
    in_dsp = has_dsps and max(options.weight_bits, options.activation_bits) <= hardware.dsp_bits
    multiplier = 0 if in_dsp else options.weight_bits * options.activation_bits + sum_bits
    for units in _doublings(products):
        luts = float(units * multiplier)
        yield Form(
            "folded",
            pixels * -(-products // units),
            adder_levels(min(units, length)) + _ENDS + 1,
            luts,
            float(units * (product_bits + sum_bits)) if not in_dsp else 0.0,
            -(-units // hardware.dsp_multiply_accumulates) if in_dsp else 0,
            max(weights, units * options.weight_bits * _KILOBITS_PER_PORT_BIT) + rows,
            luts,
            luts,
            float(sum_bits),
        )


def _streamed(layer: Layer, options: Options) -> Iterator[Form]:
    pixels = max(layer.in_height * layer.in_width, layer.out_height * layer.out_width)
    is_pool = layer.kind == "pool"
    operands = layer.kernel_area if is_pool else max(layer.inputs, 2)
    bits = options.activation_bits + adder_levels(operands)
    waiting = 0.0 if is_pool else layer.out_elements * options.activation_bits / _KILOBIT
    memory = _rows_kilobits(layer, options) + waiting
    for lanes in _doublings(layer.out_channels):
        luts = float(lanes * (operands - 1) * bits)
        yield Form(
            "streamed",
            pixels * -(-layer.out_channels // lanes),
            adder_levels(operands) + 1,
            luts,
            luts,
            memory_kilobits=memory,
            luts_lower=luts,
            luts_upper=luts,
            widest_bits=float(bits),
        )


def _doublings(most: int) -> Iterator[int]:
    """1, 2, 4 and so on, and `most`."""
    number = 1
    while number < most:
        yield number
        number *= 2
    yield most


def _rows_kilobits(layer: Layer, options: Options) -> float:
    """Rows that wait for the last one of the window."""
    return (layer.kernel - 1) * layer.in_width * layer.in_channels * options.activation_bits / _KILOBIT
