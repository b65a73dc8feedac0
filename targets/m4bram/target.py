"""The cost of a workload on M4BRAM, DLA or BRAMAC.

Source: the authors' simulators of Chen et al. 2023, arXiv 2311.02758, which mode `published` agrees with to the cycle.
They count the cycles of a batch of one, know no memory outside the chip and no energy. `Refinements` says what mode
`refined` changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spaces.base import Layer, Workload
from targets.base import Cost, Cycles, LayerCost, Precision
from targets.errors import UnsupportedPrecisionError
from targets.hardware_target import HardwareTarget
from targets.layer_kinds import MOVER_KINDS, PRODUCT_KINDS, RIDING_KINDS
from targets.m4bram.configuration import Configurations
from targets.m4bram.design import ACTIVATION_WIDTHS, DESIGNS, WEIGHT_WIDTHS, Design
from targets.m4bram.engine import Engine
from targets.m4bram.hardware import M4bramHardware
from targets.m4bram.network import FoldedLayer, Network
from targets.m4bram.run import Run
from targets.m4bram.search import REFERENCE_DLA, Budget, Candidate, best_configuration, candidate
from targets.network_ends import with_ends


@dataclass(frozen=True, slots=True)
class M4bram(HardwareTarget[M4bramHardware]):
    """The cost of workloads on one FPGA accelerator of the family."""

    @property
    def is_additive(self) -> bool:
        """Whether the configuration is fixed and dense layers do not share in the whole network's filter cache."""
        return self.hardware.configuration is not None and "dense-padding" in self.hardware.active_refinements

    @property
    def _design(self) -> Design:
        return DESIGNS[self.hardware.design]

    def supports(self, layer: Layer) -> bool:
        """Convolutions and linear layers; refined, also matrix products, pooling, additions and data movement."""
        if layer.kind in RIDING_KINDS or layer.kind in ("conv", "linear"):
            return True
        return "other-operations" in self.hardware.active_refinements and layer.kind in PRODUCT_KINDS | MOVER_KINDS

    def choose(self, workload: Workload, precision: Precision | None = None) -> Candidate:
        """The configuration for a workload, with what it takes and the cycles of one sample.

        It is the hardware's own where it has one, else the best within its budget.

        Raises: UnsupportedPrecisionError; NoConfigurationError if none fits into the budget.
        """
        return self.choose_for(Network.of(workload), precision)

    def choose_for(self, network: Network, precision: Precision | None = None) -> Candidate:
        """As `choose`, for a network that is folded already."""
        engine = self.engine(precision or self.native_precision)
        if self.hardware.configuration is not None:
            tied = engine.tied(Configurations.of(self.hardware.configuration))
            return candidate(engine, network, tied[0])
        budget = Budget(self.hardware.dsp_budget, self.hardware.bram_budget)
        if "same-objective" in self.hardware.active_refinements or self.hardware.objective == "cycles":
            return best_configuration(engine, network, budget)
        dla = engine if engine.design.family == "dla" else replace(engine, design=DESIGNS["DLA"])
        reference = best_configuration(
            dla, network, budget, objective="speedup_per_area", relative_to=candidate(dla, network, REFERENCE_DLA)
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
        engine = self.engine(precision)
        self.check_layers(workload)
        run = self._run(workload, precision, engine)
        rows = tuple(_row(layer, run) for layer in with_ends(workload).layers)
        return Cost(
            latency_ms=math.fsum(row.latency_ms for row in rows),
            energy_mj=None,
            area_mm2=self.hardware.area_mm2,
            model=self.hardware.target,
            layers=rows,
            cycles=sum((row.cycles for row in rows if row.cycles is not None), Cycles()),
        )

    def engine(self, precision: Precision) -> Engine:
        """The design at the widths that it computes with. Raises: UnsupportedPrecisionError."""
        weight_bits = self._supported(precision.weight_bits, WEIGHT_WIDTHS)
        activation_bits = self._supported(precision.activation_bits, ACTIVATION_WIDTHS)
        widths = self._design.widths(weight_bits, activation_bits)
        return Engine(self._design, *widths, self.hardware.rvec, self.hardware.active_refinements)

    def _supported(self, bits: float, widths: Sequence[int]) -> int:
        for width in widths:
            if bits <= width:
                return width
        raise UnsupportedPrecisionError(self.name, bits, widths)

    def _run(self, workload: Workload, precision: Precision, engine: Engine) -> Run:
        network = Network.of(workload)
        configuration = self.hardware.configuration
        if configuration is None and network.layers:
            configuration = self.choose_for(network, precision).configuration
        widths = {"weight_bits": precision.weight_bits, "activation_bits": precision.activation_bits}
        chosen = None if configuration is None else engine.tied(Configurations.of(configuration))
        return Run.start(self.hardware, engine, network, chosen, workload.batch, widths)


def _row(layer: Layer, run: Run) -> LayerCost:
    dims = ""
    if layer.kind in PRODUCT_KINDS:
        folded = FoldedLayer.of(layer)
        loops = (folded.R, folded.S, folded.C, folded.P, folded.Q, folded.K)
        dims = "x".join(map(str, loops if folded.kind == "conv" else (folded.C, folded.K)))
    compute, bits = _only(run.compute_cycles(layer)), float(_only(run.memory_bits(layer)))
    memory = float(_only(run.memory_cycles(bits)))
    total = max(compute, memory)
    return LayerCost(
        name=layer.name,
        latency_ms=total / (float(_only(run.clock_ghz)) * 1e6),
        energy_mj=None,
        macs=run.batch * layer.macs,
        bytes_moved=bits / 8,
        cycles=Cycles(compute, memory, total),
        details={"type": {"linear": "fc"}.get(layer.kind, layer.kind), "dims": dims, "groups": layer.groups},
    )


def _only(values: Any) -> Any:
    """The one number of an array, or the number."""
    return np.ravel(values)[0].item()
