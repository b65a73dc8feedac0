"""Costs of a simulated device that runs groups of layers at precisions of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.device_costs import Evaluator, SimulatedCosts
from service.schemas.predictions import PredictorInfo
from spaces import Architecture
from spaces.base import FloatArray
from targets.formats import parse_format, sqnr_evaluator

_SUMS = ("latency_ms", "energy_mj")


@dataclass(frozen=True, slots=True)
class MixedCosts:
    """One piece of hardware at several precisions, one after the other.

    Latency and energy are sums over the groups, each as the hardware costs it at the group's precision. The area is
    the largest of those at each precision: one that holds the widest operands holds the others too. The weights'
    error is that of the whole network, each group in its format.

    Attributes:
        parts: at least one; no group of layers in two of them.
    """

    parts: tuple[SimulatedCosts, ...]

    @property
    def info(self) -> PredictorInfo:
        """The cost model."""
        return self.parts[0].info

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """Each metric that all parts know. Raises: NotAdditiveError."""
        each = [part.evaluators for part in self.parts]
        metrics = {
            name: _sum([known[name] for known in each]) for name in _SUMS if all(name in known for known in each)
        }
        if all("area_mm2" in known for known in each):
            metrics["area_mm2"] = _largest([known["area_mm2"] for known in each])
        formats = {
            part.layer_groups: parse_format(part.weight_format)
            for part in self.parts
            if part.weight_format is not None and part.layer_groups is not None
        }
        if len(formats) == len(self.parts):
            metrics["quantisation_sqnr_db"] = sqnr_evaluator(self.parts[0].space, formats)
        return metrics


def _sum(evaluators: Sequence[Evaluator]) -> Evaluator:
    def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
        return np.sum([each(architectures) for each in evaluators], axis=0)

    return evaluate


def _largest(evaluators: Sequence[Evaluator]) -> Evaluator:
    def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
        return np.max([each(architectures) for each in evaluators], axis=0)

    return evaluate
