"""What a layer moves between the memory and the buffers."""

from __future__ import annotations

from dataclasses import dataclass

from spaces.base import Layer
from targets.bitvert.arithmetic import Arithmetic
from targets.bitvert.numbers import Number, ceil, ceil_div, floor, maximum, where
from targets.bitvert.run import Run
from targets.bitvert.shapes import ProductShape
from targets.layer_kinds import MOVER_KINDS

# bool, or an array of them.
Flag = bool

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
        is_output_free: whether the published model leaves it out.
    """

    weight_bytes: Number
    input_bytes: Number
    output_bytes: Number
    is_output_free: bool = False


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

    weight_fetches: Number
    input_fetches: Number
    cycles: Number
    bits: Number
    keeps_on_chip: Flag


def operands(layer: Layer, done: Arithmetic, run: Run, *, is_last: bool) -> Operands:
    """Sizes of the operands of a layer; the output of a last linear layer is free in the published model."""
    weight_bytes, input_bits, is_output_free = 0.0, run.activation_bits, False
    if layer.kind not in MOVER_KINDS:
        shape = ProductShape.of(layer)
        least_bits = _least_bits(shape, run)
        input_bits = maximum(input_bits, least_bits)
        weight_bytes = _weight_bytes(shape, maximum(done.weight_bits, least_bits), run)
        weight_bytes *= 1 if shape.has_weights else run.batch
        is_output_free = is_last and shape.kind == "fc" and "tensor-residency" not in run.refinements
    return Operands(
        weight_bytes,
        run.batch * _feature_elements(layer) * input_bits / 8,
        0 if is_output_free else run.batch * layer.out_elements * run.activation_bits / 8,
        is_output_free,
    )


def traffic(layer: Layer, sizes: Operands, done: Arithmetic, run: Run, *, inputs_are_on_chip: Flag) -> Traffic:
    """Traffic of a layer.

    Args:
        inputs_are_on_chip: whether the layer before has left them there, in the published model.
    """
    keeps = sizes.input_bytes + sizes.output_bytes < run.hardware.activation_buffer.capacity_bytes
    weight_fetches, input_fetches = _fetches(sizes, run)
    if "tensor-residency" in run.refinements:
        reads_inputs = 1 - _inputs_stay(layer, sizes, run)
        writes_output = 1 if layer.writes_network_output else 1 - _stays(sizes.output_bytes, run)
    else:
        reads_inputs, writes_output = 1 - inputs_are_on_chip, 1 - keeps
    reads_weights = 1
    if layer.kind == "matmul" and "tensor-residency" in run.refinements:
        reads_weights = 1 - _stays(sizes.weight_bytes, run)
    weight_bytes = sizes.weight_bytes * weight_fetches * reads_weights
    activation_bytes = sizes.input_bytes * input_fetches * reads_inputs + sizes.output_bytes * writes_output
    bits = (weight_bytes + activation_bytes) * 8
    if "weight-traffic" in run.refinements:
        cycles = bits / run.hardware.dram_bits_per_cycle
    else:
        timed_bits = weight_bytes * done.weight_bits + activation_bytes * run.activation_bits
        cycles = floor(timed_bits / run.hardware.dram_bits_per_cycle)
    return Traffic(weight_fetches, input_fetches, cycles, bits, keeps)


def sram_write_pj(layer: Layer, sizes: Operands, moved: Traffic, done: Arithmetic, run: Run) -> Number:
    """Energy of filling the buffers, in words of 64 bits along the channels."""
    weight_words = 0
    if layer.kind not in MOVER_KINDS:
        shape = ProductShape.of(layer)
        # The authors write BitVert's weights at their full width.
        is_pruned = run.hardware.cycle_rule == "pruned_columns" and "weight-traffic" not in run.refinements
        width = _FULL_BITS if is_pruned else done.weight_bits
        weight_words = _words(shape.in_channels, width) * (shape.weights // shape.in_channels)
        weight_words *= moved.weight_fetches * (1 if shape.has_weights else run.batch)
    positions = run.batch * layer.inputs * layer.in_height * layer.in_width
    activation_words = _words(layer.in_channels, run.activation_bits) * positions * moved.input_fetches
    if "tensor-residency" in run.refinements:  # what stayed was written by the layer before
        activation_words = activation_words * (1 - _inputs_stay(layer, sizes, run))
    if not sizes.is_output_free:
        positions = run.batch * layer.out_height * layer.out_width
        activation_words = activation_words + _words(layer.out_channels, run.activation_bits) * positions
    return (
        weight_words * run.hardware.weight_buffer.write_pj_per_word
        + activation_words * run.hardware.activation_buffer.write_pj_per_word
    )


def _feature_elements(layer: Layer) -> int:
    """Elements of the feature maps that a layer reads, without the operand that takes the place of weights."""
    return layer.inputs * layer.in_channels * layer.in_height * layer.in_width


def _inputs_stay(layer: Layer, sizes: Operands, run: Run) -> Flag:
    """Whether each tensor that the layer reads is still in the buffer, refined."""
    return not layer.reads_network_input and _stays(sizes.input_bytes / layer.inputs, run)


def _stays(tensor_bytes: Number, run: Run) -> Flag:
    return tensor_bytes <= run.hardware.activation_buffer.capacity_bytes / 2


def _words(channels: int, bits: Number) -> Number:
    return ceil(channels * bits / _WORD_BITS)


def _least_bits(shape: ProductShape, run: Run) -> float:
    """At which the published model sizes the weights and inputs of a layer: more than 1 for ANT's stem."""
    is_stem = shape.kind == "conv" and shape.slices_positions
    return run.hardware.stem_bits or 1 if is_stem and "weight-traffic" not in run.refinements else 1


def _weight_bytes(shape: ProductShape, bits: Number, run: Run) -> Number:
    weights = shape.weights
    if run.hardware.cycle_rule == "nonzero_columns":  # columns are stored for whole slices
        per_pe = run.hardware.weights_per_pe
        weights = weights // shape.in_channels * ceil_div(shape.in_channels, per_pe) * per_pe
    metadata_bits = 0
    if "metadata" in run.refinements and run.hardware.cycle_rule == "pruned_columns":
        groups = ceil_div(shape.in_channels * shape.kernel_area, run.hardware.prune_group_size)
        channels = shape.groups * shape.out_channels
        metadata_bits = where(bits < _FULL_BITS, groups * channels * _METADATA_BITS, 0)
    return (weights * bits + metadata_bits) / 8


def _fetches(sizes: Operands, run: Run) -> tuple[Number, Number]:
    """How often weights and inputs are read: of operands that both exceed their buffers one is read again."""
    weight_capacity = run.hardware.weight_buffer.capacity_bytes
    input_capacity = run.hardware.activation_buffer.capacity_bytes
    exceed = (sizes.weight_bytes > weight_capacity) & (sizes.input_bytes > input_capacity)
    weight_fetches = where(exceed, ceil(sizes.input_bytes / input_capacity), 1)
    input_fetches = where(exceed, ceil(sizes.weight_bytes / weight_capacity), 1)
    if "refetch-choice" not in run.refinements and run.rereads_inputs:
        return 1, input_fetches
    weights_again = weight_fetches * sizes.weight_bytes + sizes.input_bytes
    inputs_again = input_fetches * sizes.input_bytes + sizes.weight_bytes
    rereads_weights = weights_again < inputs_again
    return where(rereads_weights, weight_fetches, 1), where(rereads_weights, 1, input_fetches)
