"""BitMoD's published equations as a plain loop over layers: what `accelerators.py` measures its speed against."""

from __future__ import annotations

import math
from collections.abc import Iterable

from spaces.base import Layer
from targets import BitModHardware
from targets.sram_costs import sram_costs


def loop_over_layers(hardware: BitModHardware, layers: Iterable[Layer]) -> tuple[float, float]:
    """Cycles and picojoules of a network of convolutions, linear layers, pooling and additions, one sample."""
    bits, activation_bits = hardware.native_weight_bits, hardware.native_activation_bits
    rows, columns = hardware.rows, hardware.columns
    share = 0.5 if hardware.is_bit_serial else 1.0
    weight_port = hardware.dot_product * math.ceil(bits / 4) * 4 * rows * share
    activation_port = hardware.dot_product * activation_bits * columns * share
    weight_sram = sram_costs(hardware.weight_buffer_bytes, hardware.buffer_banks, weight_port)
    activation_sram = sram_costs(hardware.activation_buffer_bytes, hardware.buffer_banks, activation_port)
    read_pj = float(weight_sram.read_pj + activation_sram.read_pj)
    weight_word_pj = float(weight_sram.write_pj) / weight_port * 64
    activation_word_pj = float(activation_sram.write_pj) / activation_port * 64
    step = math.ceil(math.floor(bits) / 2) if hardware.is_bit_serial else 1
    total_cycles = total_pj = 0.0
    for layer in layers:
        tiles, operations, weight_bytes, weight_words = 0, 0, 0, 0
        groups = layer.groups if layer.kind == "conv" else 1
        out_row, out_rows = layer.out_channels // groups, groups * layer.out_height * layer.out_width
        in_row, in_rows = layer.in_channels // groups, layer.inputs * groups * layer.in_width
        if layer.kind in ("conv", "linear"):
            cin, tokens = in_row * layer.kernel_area, layer.out_height * layer.out_width
            tiles = math.ceil(cin / hardware.dot_product) * math.ceil(out_row / rows)
            tiles *= math.ceil(tokens / columns) * groups
            weight_bytes = math.ceil(cin * bits / 8) * out_row * groups
            weight_words = math.ceil(cin * bits / 64) * out_row * groups
            in_row *= layer.in_height
        elif layer.kind in ("pool", "add"):
            taps = layer.kernel_area if layer.kind == "pool" else max(1, layer.inputs - 1)
            operations = layer.out_elements * taps
            in_rows *= layer.in_height
        else:
            continue
        input_bytes = math.ceil(in_row * activation_bits / 8) * in_rows
        output_bytes = math.ceil(out_row * activation_bits / 8) * out_rows
        if weight_bytes > hardware.weight_buffer_bytes and input_bytes > hardware.activation_buffer_bytes:
            raise ValueError(f"{layer.name} fetches operands again, which no layer of a small network does")
        compute = tiles * step + math.ceil(operations / hardware.vector_lanes)
        moved = weight_bytes + input_bytes + output_bytes
        total_cycles += max(compute, math.floor(8 * moved / hardware.dram_bits_per_cycle))
        total_pj += hardware.layout_factor * hardware.pe_pj_per_cycle * rows * columns * tiles * step
        total_pj += operations * hardware.vector_pj_per_op + tiles * read_pj
        total_pj += weight_words * weight_word_pj + activation_word_pj * (
            math.ceil(in_row * activation_bits / 64) * in_rows + math.ceil(out_row * activation_bits / 64) * out_rows
        )
        total_pj += moved * 8 * hardware.dram_pj_per_bit
    return total_cycles, total_pj
