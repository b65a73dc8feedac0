"""Layers on n configurations of a design: cycles of the arithmetic and traffic with the memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spaces.base import Layer
from targets.layer_kinds import PRODUCT_KINDS, RIDING_KINDS, vector_operations
from targets.m4bram.configuration import Configurations, IntArray
from targets.m4bram.design import BLOCK_MUX, BLOCK_ROWS
from targets.m4bram.engine import Engine, FloatArray
from targets.m4bram.hardware import M4bramHardware
from targets.m4bram.network import FoldedLayer, Network


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A batch on n configurations; numbers, or arrays (n,) of them.

    Attributes:
        engine: the design at the widths that it computes with.
        configurations: unroll factors; None where there is nothing to multiply.
        batch: samples.
        brams: (n,) block RAMs of the filter cache.
        stream_bits: (n,) that the stream buffer holds.
        clock_ghz: of the whole design.
        of: keys of the hardware description, and `weight_bits` and `activation_bits` as they are stored.
    """

    engine: Engine
    configurations: Configurations | None
    batch: int
    brams: IntArray
    stream_bits: FloatArray
    clock_ghz: Any
    of: Mapping[str, Any]

    @classmethod
    def start(
        cls,
        hardware: M4bramHardware,
        engine: Engine,
        network: Network,
        configurations: Configurations | None,
        batch: int,
        values: Mapping[str, Any],
    ) -> Run:
        """The run of a network.

        Args:
            values: the widths, and keys of the description that have n values.
        """
        of = {**{name: getattr(hardware, name) for name in type(hardware).model_fields}, **values}
        brams, stream_bits = np.zeros(1, dtype=np.int64), np.zeros(1)
        if configurations is not None:
            brams = engine.filter_cache_brams(network, configurations)
            stream_brams = np.maximum(of["bram_budget"] - engine.filter_bandwidth_brams(configurations), 0)
            stream_bits = stream_brams * float(BLOCK_ROWS * BLOCK_MUX * engine.design.block_width)
        clock_ghz = of["clock_ghz"]
        if "bram-clock" in engine.refinements and engine.design.family != "dla":  # the slower of fabric and block RAMs
            pumps = 2 if engine.design.is_double_pumped else 1
            clock_ghz = np.minimum(clock_ghz, 1 / (of["block_delay_ns"] * pumps))
        return cls(engine, configurations, batch, brams, stream_bits, clock_ghz, of)

    def compute_cycles(self, layer: Layer) -> Any:
        """Of the arithmetic: (n,) for products, else a number or (n,)."""
        if layer.kind in PRODUCT_KINDS:
            return self._product_cycles(layer)
        if "other-operations" not in self.engine.refinements:
            return 0
        return np.ceil(self.batch * vector_operations(layer) / self.of["vector_lanes"])

    def memory_cycles(self, bits: Any) -> Any:
        """Of traffic: gigabytes per second by gigahertz."""
        return bits / (8 * self.of["memory_bandwidth_gb_per_s"] / self.clock_ghz)

    def memory_bits(self, layer: Layer) -> Any:
        """Weights once, the network's own input and output, and tensors that do not stay in the stream buffer."""
        if layer.kind in RIDING_KINDS or "memory-bandwidth" not in self.engine.refinements:
            return 0.0
        bits = layer.params * self.of["weight_bits"]
        feature_map = layer.in_channels * layer.in_height * layer.in_width
        operand = layer.in_elements - layer.inputs * feature_map  # of a matrix product, in the place of weights
        for tensors, elements, is_end in (
            (layer.inputs, feature_map, layer.reads_network_input),
            (1, operand, layer.reads_network_input),
            (1, layer.out_elements, layer.writes_network_output),
        ):
            tensor_bits = elements * self.of["activation_bits"]
            leaves = self.batch * tensor_bits > self.stream_bits / 2  # an input and an output of all samples at a time
            bits = bits + self.batch * tensors * tensor_bits * (is_end | leaves)
        return bits

    def _product_cycles(self, layer: Layer) -> IntArray:
        assert self.configurations is not None
        folded, repeats = FoldedLayer.of(layer), self.batch
        if folded.kind == "fc" and "dense-padding" in self.engine.refinements and layer.kind != "matmul":
            folded, repeats = replace(folded, Q=folded.Q * self.batch), 1  # samples share the weights like tokens do
        return repeats * self.engine.layer_cycles(folded, self.configurations, self.brams)
