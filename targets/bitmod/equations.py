"""Cycles and energies of the BitMoD model, over configurations (rows) and layers (columns) at once.

Source: Chen et al. 2025, "BitMoD: Bit-serial Mixture-of-Datatype LLM Acceleration" (arXiv 2411.11745) and its
simulator. With H x W elements that multiply `dp` pairs in L cycles, for products of cout x cin with cin x tokens:

    tiles   = ceil(cin / dp) ceil(cout / H) ceil(tokens / W) products
    compute = tiles L,   L = 1, or ceil(floor(weight bits) / 2) where bits come serially
    dram    = floor(8 (weights fw + inputs fi + outputs) / bandwidth), in bytes; fw, fi: how often each is fetched
    total   = max(compute, dram)

Weights and inputs that both exceed their buffers are fetched again, whichever way costs less. What the original leaves
out costs what `targets.layer_kinds` says.

The stage decides what a batch is: decoding has one product of `batch` tokens where weights are shared, reading prompts
has a product for each sample, also where the prompt is a single token.

What each refinement changes:

- fused-attention: what layers stream to each other does not go through memory.
- exact-widths: L follows the width of the elements: half of it where bits come serially, and for bit-parallel
  elements with subwords in proportion, down to two weights per cycle. The scale's share of the mean width costs no
  cycles.
- fill-and-drain: each layer waits for its first operand and for the pipeline; traffic is rounded up, not down.
- operand-energy: buffers are charged for the operands read, not for whole ports; idle elements draw nothing.
- metadata: choices of data types are fetched; applying the groups' scales costs energy; norms, softmax and activation
  functions over tokens take cycles and energy (and the area includes the layout's share).
- folded-batch: all samples that share weights become tokens of one product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces.base import FloatArray
from targets.bitmod.machine import Machine, Number
from targets.gemm import Gemms

_BITS_PER_BYTE: Final = 8
_WORD_BITS: Final = 64
PARTS: Final = ("compute", "sram_rd", "sram_wr", "dram")


@dataclass(frozen=True, slots=True, eq=False)
class LayerFigures:
    """Arrays that broadcast to (n,), or to (c, n) for c configurations; bytes are those of one fetch."""

    tiles: FloatArray
    weight_bytes: FloatArray
    input_bytes: FloatArray
    output_bytes: FloatArray
    weight_fetches: FloatArray
    input_fetches: FloatArray
    dram_bytes: FloatArray
    compute_cycles: FloatArray
    dram_cycles: FloatArray
    total_cycles: FloatArray
    energy_pj: dict[str, FloatArray]


def evaluate(machine: Machine, gemms: Gemms) -> LayerFigures:
    """Every figure of every layer."""
    on, of = machine.refinements, machine.of
    stored_bits = np.where(gemms.is_matmul, machine.kv_bits, machine.weight_bits)
    if "metadata" in on:
        stored_bits = stored_bits + np.where(gemms.is_matmul, 0.0, np.divide(of["selector_bits"], of["group_size"]))
    inner_tiles = np.ceil(gemms.cin / of["dot_product"])
    row_tiles, column_tiles = np.ceil(gemms.cout / machine.rows), np.ceil(gemms.tokens / machine.columns)
    tiles = inner_tiles * row_tiles * column_tiles * gemms.products
    step = _step_cycles(machine, gemms)
    vector_ops = gemms.vector_ops + (gemms.riding_ops if "metadata" in on else 0.0)
    compute = tiles * step + np.ceil(vector_ops / of["vector_lanes"])

    weight_bytes = np.ceil(gemms.cin * stored_bits / _BITS_PER_BYTE) * gemms.cout * gemms.weight_copies
    input_bytes = np.ceil(gemms.in_row * machine.activation_bits / _BITS_PER_BYTE) * gemms.in_rows
    output_bytes = np.ceil(gemms.out_row * machine.activation_bits / _BITS_PER_BYTE) * gemms.out_rows
    weight_fetches, input_fetches = _fetches(machine, weight_bytes, input_bytes)
    is_fused = "fused-attention" in on
    dram_bytes = (
        weight_bytes * weight_fetches
        + input_bytes * input_fetches * ~(is_fused & gemms.is_input_streamed)
        + output_bytes * ~(is_fused & gemms.is_output_streamed)
    )
    dram = _BITS_PER_BYTE * dram_bytes / of["dram_bits_per_cycle"]
    if "fill-and-drain" in on:
        dram = np.ceil(dram)
        overhead = np.where(compute > 0, of["pipeline_cycles"], 0) + np.where(dram > 0, of["dram_latency_cycles"], 0)
    else:
        dram, overhead = np.floor(dram), 0.0

    # The code behind the figures wrote keys and values with the width of weights, though it fetched 16 bits.
    written_bits = machine.weight_bits if machine.mode == "figures" else stored_bits
    word_writes = (
        np.ceil(gemms.cin * written_bits / _WORD_BITS) * gemms.cout * gemms.weight_copies * weight_fetches,
        np.ceil(gemms.in_row * machine.activation_bits / _WORD_BITS) * gemms.in_rows * input_fetches,
        np.ceil(gemms.out_row * machine.activation_bits / _WORD_BITS) * gemms.out_rows,
    )
    weight_word_pj = machine.weight_sram.write_pj / machine.weight_port_bits * _WORD_BITS
    activation_word_pj = machine.activation_sram.write_pj / machine.activation_port_bits * _WORD_BITS
    energy_pj = {
        "compute": _compute_pj(machine, gemms, tiles * step, step, vector_ops),
        "sram_rd": _read_pj(machine, gemms, tiles, row_tiles, column_tiles, stored_bits),
        "sram_wr": word_writes[0] * weight_word_pj + (word_writes[1] + word_writes[2]) * activation_word_pj,
        "dram": dram_bytes * _BITS_PER_BYTE * of["dram_pj_per_bit"],
    }
    return LayerFigures(
        tiles=tiles,
        weight_bytes=weight_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        weight_fetches=weight_fetches,
        input_fetches=input_fetches,
        dram_bytes=dram_bytes,
        compute_cycles=compute,
        dram_cycles=dram,
        total_cycles=np.maximum(compute, dram) + overhead,
        energy_pj=energy_pj,
    )


def _step_cycles(machine: Machine, gemms: Gemms) -> FloatArray:
    """L: cycles of one element for `dp` multiplications."""
    of = machine.of
    serial_bits = machine.weight_bits
    if machine.mode != "figures":  # there, keys and values were as quick as weights though they had 16 bits
        serial_bits = np.where(gemms.is_matmul, machine.kv_bits, machine.weight_bits)
    if "exact-widths" not in machine.refinements:
        return np.where(of["is_bit_serial"], np.ceil(np.floor(serial_bits) / 2), 1.0)
    scale_bits = np.where(gemms.is_matmul, 0.0, np.divide(of["scale_bits"], of["group_size"]))
    element_bits = serial_bits - scale_bits
    subword_bits = of["subword_bits"]
    parallel = 1.0 if subword_bits is None else np.clip(element_bits / subword_bits, 0.5, 1.0)
    return np.where(of["is_bit_serial"], np.maximum(element_bits / 2, 1.0), parallel)


def _fetches(machine: Machine, weight_bytes: FloatArray, input_bytes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How often weights and inputs are read: more than once where neither fits its buffer."""
    weight_capacity, input_capacity = machine.of["weight_buffer_bytes"], machine.of["activation_buffer_bytes"]
    weight_times, input_times = np.ceil(input_bytes / input_capacity), np.ceil(weight_bytes / weight_capacity)
    is_large = (weight_bytes > weight_capacity) & (input_bytes > input_capacity)
    rereads_weights = weight_times * weight_bytes + input_bytes < input_times * input_bytes + weight_bytes
    return (
        np.where(is_large & rereads_weights, weight_times, 1.0),
        np.where(is_large & ~rereads_weights, input_times, 1.0),
    )


def _compute_pj(
    machine: Machine, gemms: Gemms, busy_cycles: FloatArray, step: FloatArray, vector_ops: Number
) -> FloatArray:
    of = machine.of
    pe_pj = of["layout_factor"] * of["pe_pj_per_cycle"]
    if "operand-energy" in machine.refinements:
        array_pj = pe_pj * gemms.products * gemms.cout * gemms.tokens * gemms.cin / of["dot_product"] * step
    else:
        array_pj = pe_pj * machine.rows * machine.columns * busy_cycles
    if "metadata" in machine.refinements:  # one step of an element for each group's scale
        groups = gemms.cin / of["group_size"] * np.where(gemms.is_matmul, 0.0, np.sign(of["scale_bits"]))
        array_pj = array_pj + pe_pj * groups * gemms.cout * gemms.tokens * gemms.products
    return array_pj + vector_ops * of["vector_pj_per_op"]


def _read_pj(
    machine: Machine,
    gemms: Gemms,
    tiles: FloatArray,
    row_tiles: FloatArray,
    column_tiles: FloatArray,
    stored_bits: FloatArray,
) -> FloatArray:
    weights, activations = machine.weight_sram, machine.activation_sram
    if "operand-energy" not in machine.refinements:
        return tiles * (weights.read_pj + activations.read_pj)
    weight_bits = gemms.cin * gemms.cout * gemms.products * column_tiles * stored_bits
    input_bits = gemms.cin * gemms.tokens * gemms.products * row_tiles * machine.activation_bits
    return (
        weight_bits * weights.read_pj / machine.weight_port_bits
        + input_bits * activations.read_pj / machine.activation_port_bits
    )
