"""The cost of a workload on M4BRAM, DLA or BRAMAC.

Source: the authors' simulators of Chen et al. 2023, arXiv 2311.02758, which mode `published` agrees with to the cycle.
They count the cycles of a batch of one, know no memory outside the chip and no energy. `Refinements` says what mode
`refined` changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spaces.base import Layer, Workload
from targets.base import Cost, Cycles, LayerCost, Precision
from targets.errors import UnsupportedLayerError, UnsupportedPrecisionError
from targets.m4bram.configuration import Configurations
from targets.m4bram.design import ACTIVATION_WIDTHS, BLOCK_MUX, BLOCK_ROWS, DESIGNS, WEIGHT_WIDTHS, Design
from targets.m4bram.engine import Engine
from targets.m4bram.hardware import M4bramHardware
from targets.m4bram.network import PRODUCT_KINDS, FoldedLayer, Network
from targets.m4bram.search import REFERENCE_DLA, Budget, Candidate, best_configuration, candidate

# Applied to results on their way out, or folded into the weights.
_FREE_KINDS = frozenset({"activation", "norm"})
_POST_KINDS = frozenset({"pool", "add", "shuffle", "concat", "slice"})


@dataclass(frozen=True, slots=True)
class M4bram:
    """The cost of workloads on one FPGA accelerator of the family; a `Target`.

    Attributes:
        hardware: its description.
    """

    hardware: M4bramHardware

    @property
    def name(self) -> str:
        """The hardware configuration's."""
        return self.hardware.name

    @property
    def native_precision(self) -> Precision:
        """Widths that the hardware description calls native."""
        return Precision(self.hardware.native_weight_bits, self.hardware.native_activation_bits)

    @property
    def is_additive(self) -> bool:
        """Whether the configuration is fixed and dense layers do not share in the whole network's filter cache."""
        return self.hardware.configuration is not None and "dense-padding" in self.hardware.active_refinements

    @property
    def _design(self) -> Design:
        return DESIGNS[self.hardware.design]

    def supports(self, layer: Layer) -> bool:
        """Convolutions and linear layers; refined, also matrix products, pooling, additions and data movement."""
        if layer.kind in _FREE_KINDS or layer.kind in ("conv", "linear"):
            return True
        return "other-operations" in self.hardware.active_refinements and layer.kind in PRODUCT_KINDS | _POST_KINDS

    def choose(self, workload: Workload, precision: Precision | None = None) -> Candidate:
        """The configuration for a workload, with what it takes and the cycles of one sample.

        It is the hardware's own where it has one, else the best within its budget.

        Raises: UnsupportedPrecisionError; NoConfigurationError if none fits into the budget.
        """
        return self.choose_for(Network.of(workload), precision)

    def choose_for(
        self, network: Network, precision: Precision | None = None, *, baseline: Network | None = None
    ) -> Candidate:
        """As `choose`, for a network that is folded already.

        Args:
            baseline: the network as DLA computes it, where that differs.
        """
        engine = self._engine(precision or self.native_precision)
        if self.hardware.configuration is not None:
            return candidate(engine, network, self.hardware.configuration)
        budget = Budget(self.hardware.dsp_budget, self.hardware.bram_budget)
        if "same-objective" in self.hardware.active_refinements or self.hardware.objective == "cycles":
            return best_configuration(engine, network, budget)
        dla = engine if engine.design.family == "dla" else replace(engine, design=DESIGNS["DLA"])
        base = baseline or network
        reference = best_configuration(
            dla, base, budget, objective="speedup_per_area", relative_to=candidate(dla, base, REFERENCE_DLA)
        )
        if engine is dla:
            return reference
        return best_configuration(engine, network, budget, objective="speedup_per_area", relative_to=reference)

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, at the native precision by default; without energies.

        Widths between those that the design knows are computed with the next wider one, but stored as they are.

        Raises:
            UnsupportedPrecisionError: operands wider than 8 bits.
            UnsupportedLayerError: see `supports`.
            NoConfigurationError: the configuration is searched for, and none fits into the budget.
        """
        precision = precision or self.native_precision
        engine = self._engine(precision)
        for layer in workload.layers:
            if not self.supports(layer):
                raise UnsupportedLayerError(self.name, layer.name, layer.kind)
        network = Network.of(workload)
        run = self._run(workload.batch, precision, engine, network)
        rows = tuple(self._row(layer, run) for layer in workload.layers)
        return Cost(
            latency_ms=math.fsum(row.latency_ms for row in rows),
            energy_mj=None,
            area_mm2=self.hardware.area_mm2,
            model=self.hardware.target,
            layers=rows,
            cycles=sum((row.cycles for row in rows if row.cycles is not None), Cycles()),
        )

    def _engine(self, precision: Precision) -> Engine:
        weight_bits = self._supported(precision.weight_bits, WEIGHT_WIDTHS)
        activation_bits = self._supported(precision.activation_bits, ACTIVATION_WIDTHS)
        widths = self._design.widths(weight_bits, activation_bits)
        return Engine(self._design, *widths, self.hardware.rvec, self.hardware.active_refinements)

    def _supported(self, bits: float, widths: Sequence[int]) -> int:
        for width in widths:
            if bits <= width:
                return width
        raise UnsupportedPrecisionError(self.name, bits, widths)

    def _run(self, batch: int, precision: Precision, engine: Engine, network: Network) -> _Run:
        configurations = None
        brams = np.zeros(1, dtype=np.int64)
        stream_bits = 0.0
        if self.hardware.configuration is not None or network.layers:
            configurations = Configurations.of(
                self.hardware.configuration or self.choose_for(network, precision).configuration
            )
            brams = engine.filter_cache_brams(network, configurations)
            stream_brams = self.hardware.bram_budget - int(engine.filter_bandwidth_brams(configurations)[0])
            stream_bits = max(stream_brams, 0) * BLOCK_ROWS * BLOCK_MUX * engine.design.block_width
        return _Run(engine, configurations, brams, precision, batch, stream_bits, self._clock_ghz)

    @property
    def _clock_ghz(self) -> float:
        """The fabric's, unless the block RAMs that compute are slower."""
        if "bram-clock" not in self.hardware.active_refinements or self._design.family == "dla":
            return self.hardware.clock_ghz
        pumps = 2 if self._design.is_double_pumped else 1
        return min(self.hardware.clock_ghz, 1 / (self.hardware.block_delay_ns * pumps))

    def _row(self, layer: Layer, run: _Run) -> LayerCost:
        compute, dims = 0, ""
        if layer.kind in PRODUCT_KINDS:
            folded = FoldedLayer.of(layer)
            compute = self._product_cycles(layer, folded, run)
            loops = (folded.R, folded.S, folded.C, folded.P, folded.Q, folded.K)
            dims = "x".join(map(str, loops if folded.kind == "conv" else (folded.C, folded.K)))
        elif layer.kind in ("pool", "add"):
            operations = layer.out_elements * layer.kernel_area if layer.kind == "pool" else layer.in_elements
            compute = math.ceil(run.batch * operations / self.hardware.vector_lanes)
        bits = self._memory_bits(layer, run) if "memory-bandwidth" in self.hardware.active_refinements else 0.0
        # Gigabytes per second by gigahertz.
        memory = bits / (8 * self.hardware.memory_bandwidth_gb_per_s / run.clock_ghz)
        total = max(compute, memory)
        return LayerCost(
            name=layer.name,
            latency_ms=total / (run.clock_ghz * 1e6),
            energy_mj=None,
            macs=run.batch * layer.macs,
            bytes_moved=bits / 8,
            cycles=Cycles(compute, memory, total),
            details={"type": {"linear": "fc"}.get(layer.kind, layer.kind), "dims": dims, "groups": layer.groups},
        )

    def _product_cycles(self, layer: Layer, folded: FoldedLayer, run: _Run) -> int:
        assert run.configurations is not None
        repeats = run.batch
        if folded.kind == "fc" and "dense-padding" in self.hardware.active_refinements and layer.kind != "matmul":
            folded, repeats = replace(folded, Q=folded.Q * run.batch), 1  # samples share the weights like tokens do
        return repeats * int(run.engine.layer_cycles(folded, run.configurations, run.brams)[0])

    def _memory_bits(self, layer: Layer, run: _Run) -> float:
        """Weights once, and the tensors that do not stay in the stream buffer."""
        if layer.kind in _FREE_KINDS:
            return 0.0
        bits = layer.params * run.precision.weight_bits
        feature_map = layer.in_channels * layer.in_height * layer.in_width
        operand = layer.in_elements - layer.inputs * feature_map  # of a matrix product, in the place of weights
        for tensors, elements in ((layer.inputs, feature_map), (1, operand), (1, layer.out_elements)):
            tensor_bits = elements * run.precision.activation_bits
            if tensor_bits > run.stream_bits / 2:  # an input and an output at a time
                bits += run.batch * tensors * tensor_bits
        return bits


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """What is the same for all layers of a run; no configuration where there is nothing to multiply."""

    engine: Engine
    configurations: Configurations | None
    brams: NDArray[np.int64]
    precision: Precision
    batch: int
    stream_bits: float
    clock_ghz: float
