"""What a layer moves between the memory and the buffers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spaces.base import Layer
from targets.bitvert.arithmetic import Arithmetic
from targets.bitvert.hardware import BitSerialHardware
from targets.bitvert.run import Run
from targets.bitvert.shapes import POST_KINDS, ProductShape

_METADATA_BITS = 8
_WORD_BITS = 64
_FULL_BITS = 8


@dataclass(frozen=True, slots=True)
class Operands:
    """Sizes of a layer's tensors for a batch, before anything is read again.

    Attributes:
        weight_bytes: of what lies in the weight buffer, with its metadata.
        input_bytes: of all inputs.
        output_bytes: of the output.
    """

    weight_bytes: float
    input_bytes: float
    output_bytes: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """What crosses the memory's and the buffers' ports.

    Attributes:
        weight_fetches: how often the weights are read from memory.
        input_fetches: how often the inputs are.
        cycles: of traffic with the memory.
        bits: of traffic with the memory.
        keeps_on_chip: whether inputs and outputs fit into the activation buffer together.
    """

    weight_fetches: int
    input_fetches: int
    cycles: float
    bits: float
    keeps_on_chip: bool


def operands(layer: Layer, done: Arithmetic, run: Run, *, is_last: bool) -> Operands:
    """Sizes of the operands of a layer; the output of a last linear layer is free in the published model."""
    weight_bytes, input_bits, output_elements = 0.0, run.activation_bits, layer.out_elements
    if layer.kind not in POST_KINDS:
        shape = ProductShape.of(layer)
        keeps_width = "weight-traffic" not in run.refinements and _keeps_full_width(shape, run.hardware)
        input_bits = _FULL_BITS if keeps_width else input_bits
        weight_bytes = _weight_bytes(shape, _FULL_BITS if keeps_width else done.weight_bits, run)
        weight_bytes *= 1 if shape.has_weights else run.batch
        if is_last and shape.kind == "fc" and "tensor-residency" not in run.refinements:
            output_elements = 0
    return Operands(
        weight_bytes,
        run.batch * _feature_elements(layer) * input_bits / 8,
        run.batch * output_elements * run.activation_bits / 8,
    )


def traffic(layer: Layer, sizes: Operands, done: Arithmetic, run: Run, *, inputs_are_on_chip: bool) -> Traffic:
    """Traffic of a layer.

    Args:
        inputs_are_on_chip: whether the layer before has left them there, in the published model.
    """
    keeps = sizes.input_bytes + sizes.output_bytes < run.hardware.activation_buffer.capacity_bytes
    weight_fetches, input_fetches = _fetches(sizes, run)
    if "tensor-residency" in run.refinements:
        reads_inputs, writes_output = not _inputs_stay(layer, sizes, run), not _stays(sizes.output_bytes, run)
    else:
        reads_inputs, writes_output = not inputs_are_on_chip, not keeps
    stays_as_weights = layer.kind == "matmul" and "tensor-residency" in run.refinements
    reads_weights = not (stays_as_weights and _stays(sizes.weight_bytes, run))
    weight_bytes = sizes.weight_bytes * weight_fetches * reads_weights
    activation_bytes = sizes.input_bytes * input_fetches * reads_inputs + sizes.output_bytes * writes_output
    bits = (weight_bytes + activation_bytes) * 8
    if "weight-traffic" in run.refinements:
        cycles = bits / run.hardware.dram_bits_per_cycle
    else:
        timed_bits = weight_bytes * done.weight_bits + activation_bytes * run.activation_bits
        cycles = math.floor(timed_bits / run.hardware.dram_bits_per_cycle)
    return Traffic(weight_fetches, input_fetches, cycles, bits, keeps)


def sram_write_pj(layer: Layer, sizes: Operands, moved: Traffic, done: Arithmetic, run: Run) -> float:
    """Energy of filling the buffers, in words of 64 bits along the channels."""
    weight_words = 0
    if layer.kind not in POST_KINDS:
        shape = ProductShape.of(layer)
        # The authors write BitVert's weights at their full width.
        is_pruned = run.hardware.cycle_rule == "pruned_columns" and "weight-traffic" not in run.refinements
        width = _FULL_BITS if is_pruned else done.weight_bits
        weight_words = _words(shape.in_channels, width) * (shape.weights // shape.in_channels)
        weight_words *= moved.weight_fetches * (1 if shape.has_weights else run.batch)
    activation_words = 0
    if not ("tensor-residency" in run.refinements and _inputs_stay(layer, sizes, run)):
        positions = run.batch * layer.inputs * layer.in_height * layer.in_width
        activation_words += _words(layer.in_channels, run.activation_bits) * positions * moved.input_fetches
    if sizes.output_bytes:
        positions = run.batch * layer.out_height * layer.out_width
        activation_words += _words(layer.out_channels, run.activation_bits) * positions
    return (
        weight_words * run.hardware.weight_buffer.write_pj_per_word
        + activation_words * run.hardware.activation_buffer.write_pj_per_word
    )


def _feature_elements(layer: Layer) -> int:
    """Elements of the feature maps that a layer reads, without the operand that takes the place of weights."""
    return layer.inputs * layer.in_channels * layer.in_height * layer.in_width


def _inputs_stay(layer: Layer, sizes: Operands, run: Run) -> bool:
    """Whether each tensor that the layer reads is still in the buffer, refined."""
    return _stays(sizes.input_bytes / layer.inputs, run)


def _stays(tensor_bytes: float, run: Run) -> bool:
    return tensor_bytes <= run.hardware.activation_buffer.capacity_bytes / 2


def _words(channels: int, bits: float) -> int:
    return math.ceil(channels * bits / _WORD_BITS)


def _keeps_full_width(shape: ProductShape, hardware: BitSerialHardware) -> bool:
    """Whether the published model sizes a layer's weights and inputs at 8 bits: ANT's stem."""
    return hardware.cycle_rule == "weight_bits" and shape.kind == "conv" and shape.slices_positions


def _weight_bytes(shape: ProductShape, bits: float, run: Run) -> float:
    weights = shape.weights
    if run.hardware.cycle_rule == "nonzero_columns":  # columns are stored for whole slices
        per_pe = run.hardware.weights_per_pe
        weights = weights // shape.in_channels * math.ceil(shape.in_channels / per_pe) * per_pe
    metadata_bits = 0
    if "metadata" in run.refinements and run.hardware.cycle_rule == "pruned_columns" and bits < _FULL_BITS:
        groups = math.ceil(shape.in_channels * shape.kernel_area / run.hardware.prune_group_size)
        metadata_bits = groups * shape.groups * shape.out_channels * _METADATA_BITS
    return (weights * bits + metadata_bits) / 8


def _fetches(sizes: Operands, run: Run) -> tuple[int, int]:
    """How often weights and inputs are read: of operands that both exceed their buffers one is read again."""
    weight_capacity = run.hardware.weight_buffer.capacity_bytes
    input_capacity = run.hardware.activation_buffer.capacity_bytes
    if sizes.weight_bytes <= weight_capacity or sizes.input_bytes <= input_capacity:
        return 1, 1
    weight_fetches = math.ceil(sizes.input_bytes / input_capacity)
    input_fetches = math.ceil(sizes.weight_bytes / weight_capacity)
    weights_again = weight_fetches * sizes.weight_bytes + sizes.input_bytes
    inputs_again = input_fetches * sizes.input_bytes + sizes.weight_bytes
    may_reread_weights = "refetch-choice" in run.refinements or not run.rereads_inputs
    if may_reread_weights and weights_again < inputs_again:
        return weight_fetches, 1
    return 1, input_fetches
