"""In which forms a layer can stand on the fabric, what each takes, and how long: unrolled ones and folded ones.

- Unrolled (Kratos): a tree for each output channel with its weights as constants, once (pixel-wise), for each pixel of
  a row (row-parallel, without stride) or for each pixel (fully unrolled).
- Folded: some multiply-accumulate units take the products of a layer one after the other, zeros included, with weights
  from block RAM. A unit is a share of a DSP, or one of LUTs, see `targets.fpga.units`. Products of activations have no
  weights that could be constants, so they are always folded.
- Pooling and additions take a comparator or an adder for each further operand, in one lane or more up to all channels.
  An addition needs memory for the branch that waits: a whole feature map. Pooling by means is not told apart.
- Window buffers, of one row less than the window has, are in block RAM in every form but the fully unrolled one.
- What an unrolled form takes comes from the fitted model of areas; a tree of more weights or levels than any that was
  synthesised, or operands of other widths, lie beyond it, and the form says so.
- Norms and activation functions are thresholds at the end of a tree; they, and moving data, take nothing of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log2
from typing import Final, NamedTuple

from spaces.base import Layer
from targets.fpga.area import load_area_model
from targets.fpga.features import Features, expected_features
from targets.fpga.hardware import FpgaHardware
from targets.fpga.options import Options
from targets.fpga.primitives import adder_levels
from targets.fpga.units import load_unit_costs, multiplier_registers
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
        rows: of full adders on its slowest path between registers, each a LUT in front of the carry chain.
        chain_bits: of that carry chain.
        luts_per_dsp, flip_flops_per_dsp: what takes the place of a DSP.
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
    rows: float = 0.0
    chain_bits: float = 0.0
    luts_per_dsp: float = 0.0
    flip_flops_per_dsp: float = 0.0
    beyond: tuple[Beyond, ...] = ()

    def with_units(self, luts: float, flip_flops: float, factor: float, dsps: int = 0) -> Form:
        """With units of so many LUTs and flip-flops more, in place of so many DSPs.

        Args: factor: between the LUTs and the bounds of their interval.
        """
        return replace(
            self,
            luts=self.luts + luts,
            luts_lower=self.luts_lower + luts / factor,
            luts_upper=self.luts_upper + luts * factor,
            flip_flops=self.flip_flops + flip_flops,
            dsps=self.dsps - dsps,
        )


def forms(layer: Layer, hardware: FpgaHardware, weight_bits: int, activation_bits: int) -> tuple[Form, ...]:
    """Every form of a layer, in no order."""
    options = hardware.options(weight_bits, activation_bits)
    if layer.kind in PRODUCT_KINDS:
        unrolled = () if layer.kind == "matmul" else tuple(_unrolled(layer, hardware, options))
        return (*unrolled, *_folded(layer, options, hardware))
    if layer.kind in ("add", "pool"):
        return tuple(_streamed(layer, options, hardware))
    return (Form("free", 1),)


def _unrolled(layer: Layer, hardware: FpgaHardware, options: Options) -> Iterator[Form]:
    length = layer.kernel_area * (layer.in_channels // layer.groups)
    width = (layer.out_width - 1) * layer.stride + (layer.kernel_width or layer.kernel)
    height = (layer.out_height - 1) * layer.stride + layer.kernel
    copies = {"pixel-wise": (1, layer.out_height * width, layer.kernel_area * layer.in_channels)}
    if layer.stride == 1 and layer.out_height > 1:
        copies["row-parallel"] = (layer.out_width, height, layer.kernel * width * layer.in_channels)
    pixels = layer.out_height * layer.out_width
    if pixels > 1:
        copies["unrolled"] = (pixels, 1, layer.in_height * layer.in_width * layer.in_channels)
    model, density = load_area_model(), 1 - hardware.sparsity
    drawn = max(layer.out_channels * length * density, 1.0)
    for name, (trees, cycles, values) in copies.items():
        sums = layer.out_channels * trees
        # Weights that an activation meets at once share its products. Layers of nearly as many share an answer.
        meetings = max(sums * length / values, 1.0)
        tree = expected_features(length, hardware.sparsity, options, 2.0 ** round(log2(meetings)))
        waiting = values * (1 - (1 - density) ** meetings)
        luts, flip_flops = model.area(
            tree.times(sums),
            options,
            hardware.area_flow,
            waiting * options.activation_bits,
            spread=(model.weight_variance / drawn) ** 0.5,
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
            rows=float(tree.chain_path.saved_rows),
            chain_bits=float(tree.chain_path.chain_bits),
            beyond=_beyond(tree, options),
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


def _folded(layer: Layer, options: Options, hardware: FpgaHardware) -> Iterator[Form]:
    length = layer.kernel_area * (layer.in_channels // layer.groups)
    products = layer.out_channels * length
    pixels = layer.out_height * layer.out_width
    weight_bits, activation_bits = options.weight_bits, options.activation_bits
    sum_bits = weight_bits + activation_bits + adder_levels(length)
    weights, rows = layer.params * weight_bits / _KILOBIT, _rows_kilobits(layer, options)
    costs = load_unit_costs()[hardware.area_flow]
    unit_luts = costs.multiply_accumulate(weight_bits, activation_bits, sum_bits)
    unit_flip_flops = multiplier_registers(weight_bits, activation_bits) + sum_bits
    has_dsps = hardware.dsps > 0 and max(weight_bits, activation_bits) <= hardware.dsp_bits
    for units in _steps(products):
        form = Form(
            "folded",
            pixels * -(-products // units),
            adder_levels(min(units, length)) + max(adder_levels(activation_bits), 1) + _ENDS + 1,
            memory_kilobits=max(weights, units * weight_bits * _KILOBITS_PER_PORT_BIT) + rows,
            chain_bits=float(sum_bits),
        )
        if has_dsps:
            per_dsp = hardware.dsp_multiply_accumulates
            yield replace(
                form,
                dsps=-(-units // per_dsp),
                luts_per_dsp=per_dsp * unit_luts,
                flip_flops_per_dsp=per_dsp * unit_flip_flops,
            )
        else:
            yield form.with_units(units * unit_luts, units * unit_flip_flops, costs.factor)


def _streamed(layer: Layer, options: Options, hardware: FpgaHardware) -> Iterator[Form]:
    pixels = max(layer.in_height * layer.in_width, layer.out_height * layer.out_width)
    is_pool = layer.kind == "pool"
    operands = layer.kernel_area if is_pool else max(layer.inputs, 2)
    bits = options.activation_bits + adder_levels(operands)
    waiting = 0.0 if is_pool else layer.out_elements * options.activation_bits / _KILOBIT
    memory = _rows_kilobits(layer, options) + waiting
    costs = load_unit_costs()[hardware.area_flow]
    for lanes in _steps(layer.out_channels):
        cells = float(lanes * (operands - 1) * bits)
        form = Form(
            "streamed",
            pixels * -(-layer.out_channels // lanes),
            adder_levels(operands) + 1,
            memory_kilobits=memory,
            chain_bits=float(bits),
        )
        yield form.with_units(cells * (costs.maximum if is_pool else costs.addition), cells, costs.factor)


def _steps(most: int) -> Iterator[int]:
    """1, 2, 3, 4, 6, 8, 12 and so on, and `most`."""
    number = 1
    while number < most:
        yield number
        number = max(number + 1, number * 3 // 2 if number & (number - 1) == 0 else number * 4 // 3)
    yield most


def _rows_kilobits(layer: Layer, options: Options) -> float:
    """Rows that wait for the last one of the window."""
    return (layer.kernel - 1) * layer.in_width * layer.in_channels * options.activation_bits / _KILOBIT
