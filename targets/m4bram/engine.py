"""Cycles and resources of many configurations of one design at once."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.m4bram.configuration import Configurations, IntArray
from targets.m4bram.design import BLOCK_MUX, BLOCK_ROWS, Design, multipliers_per_dsp
from targets.m4bram.network import FoldedLayer, Network
from targets.m4bram.refinements import PUBLISHED, Refinements

FloatArray = NDArray[np.float64]

_WORDS_PER_BLOCK = BLOCK_ROWS * BLOCK_MUX
_NARROWEST_SHARE = 8
_CHANNELS_PER_BRAM = 2


@dataclass(frozen=True, slots=True)
class Engine:
    """A design at given widths; all its methods take n configurations and give (n,).

    Attributes:
        design: what computes.
        weight_bits: 2, 4 or 8.
        activation_bits: 2 to 8.
        rvec: filter columns at a time.
        refinements: faults of the published model that are removed.
    """

    design: Design
    weight_bits: int
    activation_bits: int
    rvec: int = 3
    refinements: Refinements = PUBLISHED

    @property
    def iteration_cycles(self) -> int:
        """Of a block RAM that computes."""
        return self.design.iteration_cycles(self.weight_bits, self.activation_bits)

    @property
    def multipliers_per_dsp(self) -> int:
        """Products of a DSP per cycle."""
        return multipliers_per_dsp(self.weight_bits, self.activation_bits)

    def tied(self, configurations: Configurations) -> Configurations:
        """The same with the factors that follow from others at these widths, as BRAMAC's of the block RAMs do."""
        if self.design.family != "bramac":
            return configurations
        c, ones = configurations, np.ones_like(configurations.pvec)
        columns, channels = ones * self.design.bram_columns, c.dsp_cvec * self.iteration_cycles
        return Configurations(ones, c.dsp_qvec, c.dsp_cvec, c.dsp_kvec, columns, channels, c.dsp_kvec)

    def dsps(self, configurations: Configurations) -> IntArray:
        """DSPs that the unroll factors take."""
        products = configurations.pvec * configurations.dsp_qvec * configurations.dsp_cvec * configurations.dsp_kvec
        return _ceil_div(products * self.rvec, self.multipliers_per_dsp)

    def cycles(self, network: Network, configurations: Configurations) -> IntArray:
        """Of all layers."""
        brams = self.filter_cache_brams(network, configurations)
        counts = Counter(network.layers).items()
        layers = [times * self.layer_cycles(layer, configurations, brams) for layer, times in counts]
        return sum(layers, start=np.zeros(len(configurations), dtype=np.int64))

    def layer_cycles(self, layer: FoldedLayer, configurations: Configurations, brams: IntArray) -> IntArray:
        """Of one layer.

        Args:
            brams: (n,) block RAMs of the filter cache, which a dense layer of the published model shares in.
        """
        if layer.kind == "fc" and "dense-padding" not in self.refinements:
            return self._ideal_dense(layer, configurations, brams)
        loops = {
            "dla": self._dla,
            "m4bram": self._m4bram,
            "bramac": self._bramac,
            "no-dsp": self._no_dsp,
        }[self.design.family]
        return layer.groups * loops(layer, configurations)

    def _ideal_dense(self, layer: FoldedLayer, configurations: Configurations, brams: IntArray) -> IntArray:
        macs = layer.macs
        if self.design.family == "dla":
            return _ceil_div(macs, self.dsps(configurations) * self.multipliers_per_dsp)
        in_dsps = self.multipliers_per_dsp * self.iteration_cycles * self.dsps(configurations)
        in_brams = self.design.lanes(self.weight_bits) * brams
        return _ceil_div(macs * self.iteration_cycles, in_dsps + in_brams)

    def _dla(self, layer: FoldedLayer, configurations: Configurations) -> IntArray:
        c = configurations
        loops = (
            (layer.Q, c.dsp_qvec),
            (layer.P, c.pvec),
            (layer.K, c.dsp_kvec),
            (layer.C, c.dsp_cvec),
            (layer.R, np.full(len(c), self.rvec)),
        )
        if "exact-cycles" in self.refinements:
            cycles = np.full(len(c), layer.S)
            for size, factor in loops:
                cycles = cycles * _ceil_div(size, factor)
            return cycles
        # The order of the roundings decides whether a whole number of cycles becomes one more.
        efficiency = np.ones(len(c))
        for size, factor in loops:
            efficiency = efficiency * size / (_ceil_div(size, factor) * factor)
        operations = 2 * (layer.weights * layer.P * layer.Q) / efficiency
        return np.ceil(operations / (2 * self.dsps(c) * self.multipliers_per_dsp)).astype(np.int64)

    def _m4bram(self, layer: FoldedLayer, configurations: Configurations) -> IntArray:
        c = configurations
        rows = _ceil_div(layer.P, c.pvec)
        window = self._windows(layer)
        k_passes = _ceil_div(layer.K, c.bram_kvec)
        dsp_pass = _ceil_div(layer.C, c.dsp_cvec) * window * _ceil_div(layer.K, c.dsp_kvec) * rows
        bram_pass = _ceil_div(layer.C, c.bram_cvec) * self.iteration_cycles * window * k_passes * rows
        readout_pass = self.design.readout_cycles * k_passes * rows
        passes = _ceil_div(layer.Q, c.dsp_qvec + c.bram_qvec)
        together = passes * (readout_pass + np.maximum(dsp_pass, bram_pass))
        if "column-split" not in self.refinements:
            return together
        return np.minimum(together, self._split_columns(layer.Q, c, dsp_pass, bram_pass + readout_pass))

    def _windows(self, layer: FoldedLayer) -> int:
        """Positions of the filter, of which `rvec` in a row are one."""
        return layer.S * math.ceil(layer.R / self.rvec)

    @staticmethod
    def _split_columns(columns: int, c: Configurations, dsp_pass: IntArray, bram_pass: IntArray) -> IntArray:
        """Fewest cycles when DSPs and block RAMs divide the columns as they like, by bisection."""

        def bram_cycles(dsp_passes: IntArray) -> IntArray:
            return _ceil_div(np.maximum(columns - dsp_passes * c.dsp_qvec, 0), c.bram_qvec) * bram_pass

        low = np.zeros(len(c), dtype=np.int64)
        high = _ceil_div(columns, c.dsp_qvec)  # then nothing is left to the block RAMs
        for _ in range(columns.bit_length()):
            middle = (low + high) // 2
            is_enough = middle * dsp_pass >= bram_cycles(middle)
            low, high = np.where(is_enough, low, np.minimum(middle + 1, high)), np.where(is_enough, middle, high)
        fewer = np.maximum(high - 1, 0)
        return np.minimum(
            np.maximum(high * dsp_pass, bram_cycles(high)), np.maximum(fewer * dsp_pass, bram_cycles(fewer))
        )

    def _bramac(self, layer: FoldedLayer, configurations: Configurations) -> IntArray:
        c = configurations
        window = self._windows(layer)
        per_pass = _ceil_div(layer.C, c.bram_cvec) * self.iteration_cycles * window
        passes = _ceil_div(layer.K, c.dsp_kvec) * _ceil_div(layer.Q, c.dsp_qvec + c.bram_qvec)
        return (per_pass + self.design.readout_cycles) * passes * layer.P

    def _no_dsp(self, layer: FoldedLayer, configurations: Configurations) -> IntArray:
        c = configurations
        window = self._windows(layer)
        per_pass = _ceil_div(layer.C, c.bram_cvec) * self.iteration_cycles * window
        passes = _ceil_div(layer.K, c.bram_kvec) * _ceil_div(layer.Q, c.bram_qvec)
        return (per_pass + self.design.readout_cycles) * passes * _ceil_div(layer.P, c.pvec)

    def filter_cache_brams(self, network: Network, configurations: Configurations) -> IntArray:
        """Block RAMs that hold the weights of the largest layer at the bandwidth of the unroll factors."""
        layer = network.largest
        if layer is None:
            return np.zeros(len(configurations), dtype=np.int64)
        c = configurations
        window = self._windows(layer) * network.filter_copies
        across = self.filter_bandwidth_brams(c)
        if self.design.family == "dla":
            words = window * _ceil_div(layer.C, c.dsp_cvec) * _ceil_div(layer.K, c.dsp_kvec)
            return across * _ceil_div(words, _WORDS_PER_BLOCK)
        per_word = self._channels_per_word(c)
        kvec = c.dsp_kvec if self.design.family == "bramac" else c.bram_kvec
        words = window * _ceil_div(layer.C, c.bram_cvec) * _ceil_div(layer.K, kvec)
        weights_per_block = _WORDS_PER_BLOCK * self.design.block_width // self.weight_bits
        blocks = across * _ceil_div(words * per_word * _CHANNELS_PER_BRAM, weights_per_block)
        return blocks * np.where(self._is_duplicated(c), 2, 1) if "duplicated-filters" in self.refinements else blocks

    def filter_bandwidth_brams(self, configurations: Configurations) -> IntArray:
        """Block RAMs that feed, or are, the multipliers at once, however few weights there are."""
        c = configurations
        if self.design.family == "dla":
            return self.rvec * _ceil_div(c.dsp_cvec * c.dsp_kvec * self.weight_bits, self.design.block_width)
        kvec = c.dsp_kvec if self.design.family == "bramac" else c.bram_kvec
        return self.rvec * (_ceil_div(kvec, self._channels_per_word(c)) * c.bram_cvec // _CHANNELS_PER_BRAM)

    def placed_filter_brams(self, network: Network, configurations: Configurations) -> IntArray:
        """Block RAMs of the filter cache on the chip, duplicates included."""
        brams = self.filter_cache_brams(network, configurations)
        if "duplicated-filters" in self.refinements or self.design.family in ("dla", "bramac"):
            return brams
        return brams * np.where(self._is_duplicated(configurations), 2, 1)

    def _is_duplicated(self, c: Configurations) -> NDArray[np.bool_]:
        """Whether more columns share the weights than a word can serve."""
        if self.design.family == "bramac":
            return np.zeros(len(c), dtype=np.bool_)
        return c.bram_qvec * c.pvec >= _NARROWEST_SHARE

    def _channels_per_word(self, c: Configurations) -> IntArray:
        """Output channels in a word of a block RAM, which the output pixels share."""
        width = self.design.block_width
        if self.design.family == "bramac":
            return np.full(len(c), width // self.weight_bits)
        share = np.maximum(width // np.maximum(c.bram_qvec * c.pvec, 1), _NARROWEST_SHARE)
        return share * (2 if self.design.is_large else 1) // self.weight_bits

    def stream_buffer_brams(self, network: Network, configurations: Configurations) -> IntArray:
        """Block RAMs that hold the largest feature map at the bandwidth of the unroll factors."""
        if network.feature_map is None:
            return np.zeros(len(configurations), dtype=np.int64)
        banks = self._stream_banks(network, configurations)
        depth = np.ceil(network.stream_elements / banks)
        return np.ceil(depth / self._activations_per_block()).astype(np.int64) * banks

    def least_stream_brams(self, network: Network, configurations: Configurations) -> IntArray:
        """Block RAMs of the stream buffer that a configuration cannot do without.

        One for each bank where the rest of a feature map may lie in memory, which the published model does not know.
        """
        brams = self.stream_buffer_brams(network, configurations)
        if "memory-bandwidth" not in self.refinements or network.feature_map is None:
            return brams
        return np.minimum(brams, self._stream_banks(network, configurations))

    def _stream_banks(self, network: Network, c: Configurations) -> IntArray:
        feature_map = network.feature_map
        assert feature_map is not None
        columns = feature_map.in_columns, feature_map.out_columns
        if self.design.family == "dla" and "stream-stride" not in self.refinements:
            columns = columns[::-1]
        stride = -(-columns[0] // columns[1])
        if self.design.family in ("dla", "bramac"):
            width = (c.dsp_qvec + c.bram_qvec - 1) * stride + self.rvec
            return width * c.dsp_cvec * c.pvec
        banks = ((c.bram_qvec - 1) * stride + self.rvec) * _ceil_div(c.bram_cvec, self.iteration_cycles)
        if self.design.family == "m4bram":
            banks = banks + ((c.dsp_qvec - 1) * stride + self.rvec) * c.dsp_cvec
        return banks * c.pvec

    def _activations_per_block(self) -> float:
        width = self.design.block_width
        if "stream-words" in self.refinements:
            return _WORDS_PER_BLOCK * (width // self.activation_bits)
        if self.design.family == "bramac":
            return _WORDS_PER_BLOCK * (width / self.activation_bits)
        return _WORDS_PER_BLOCK * (width / (8 if self.activation_bits > 4 else 4))


def _ceil_div(numerator: IntArray | int, denominator: IntArray | int) -> IntArray:
    return np.asarray(-(-numerator // denominator), dtype=np.int64)
