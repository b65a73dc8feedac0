"""The cost of a network that stands unrolled on an FPGA, layer behind layer, folded where it does not fit.

Every layer has hardware of its own, so samples follow each other at the pace of the slowest layer. The form of each is
chosen as follows: for a wanted pace of T cycles, each layer takes the form that needs no more and is cheapest, in LUTs
with fixed prices for DSPs and block RAM; the smallest T of a geometric series whose forms fit into the part together is
the network's, once with folded layers in DSPs and once in LUTs. A larger part can only lower T.

The way of a sample from the first input to the last output is the longest path through the network, see
`targets.fpga.schedule`: branches run at the same time.

Source of the unrolled forms: Dai et al. 2024 (Kratos), arXiv 2407.06033; the folding is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from spaces.base import BoolArray, FloatArray, IntArray, Workload
from targets.base import Cost, CostArrays, Cycles, LayerCost, Precision
from targets.errors import NotFittingError, UnsupportedPrecisionError
from targets.fpga.errors import OutsideModelRangeError
from targets.fpga.forms import Beyond, Form
from targets.fpga.hardware import FpgaHardware
from targets.fpga.ladders import COLUMNS, RESOURCES, Ladder, Shapes, ladders
from targets.fpga.schedule import Step, Times, schedule
from targets.hardware_target import HardwareTarget

_TOTALS: Final = (*RESOURCES, "luts_lower", "luts_upper")
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class FpgaUnrolled(HardwareTarget[FpgaHardware]):
    """The cost of workloads on one part; a `BatchTarget`."""

    @property
    def is_additive(self) -> bool:
        """Layers share the part, and the slowest one sets the pace."""
        return False

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, whose samples follow each other; without energies.

        Raises:
            UnsupportedPrecisionError: operands too wide.
            NotFittingError: the network does not fit, however folded.
            OutsideModelRangeError: a layer rests on extrapolated areas, see `FpgaHardware.extrapolates`.
        """
        choice = _Choice.of([workload], self.hardware, self._bits(precision))
        if not choice.fits[0]:
            resource, needed, available = choice.lacks()
            raise NotFittingError(self.name, resource, needed, available)
        chosen = choice.forms(0)
        beyond = [(layer.name, form.beyond) for layer, form in zip(workload.layers, chosen, strict=True) if form.beyond]
        if beyond and not self.hardware.extrapolates:
            name, (first, *_) = beyond[0]
            raise OutsideModelRangeError(*first, layer=name)
        clock_ghz = float(self._clock_ghz(choice.largest("widest_bits"))[0])
        pace = float(choice.paces[0])
        rows = tuple(_rows(workload, chosen, choice.times(0), pace, clock_ghz))
        totals = {name: float(choice.totals(name)[0]) for name in _TOTALS}
        return Cost(
            latency_ms=sum(row.latency_ms for row in rows),
            energy_mj=None,
            area_mm2=self.hardware.area_mm2,
            model=self.hardware.target,
            layers=rows,
            cycles=sum((row.cycles for row in rows if row.cycles is not None), Cycles()),
            resources={
                **totals,
                "initiation_interval_cycles": pace,
                "clock_ghz": clock_ghz,
                "samples_per_second": 1e9 * clock_ghz / pace if chosen else 0.0,
            },
            warnings=_warnings(beyond),
        )

    def cost_arrays(self, workloads: Sequence[Workload], precision: Precision | None = None) -> CostArrays:
        """Costs of n workloads, NaN for those that `cost` refuses. Raises: UnsupportedPrecisionError."""
        choice = _Choice.of(workloads, self.hardware, self._bits(precision))
        is_extrapolated = choice.largest("is_extrapolated") > 0
        is_answered = choice.fits & (self.hardware.extrapolates | ~is_extrapolated)
        cycles = np.full(len(workloads), np.nan)
        for row in np.flatnonzero(is_answered).tolist():
            behind = (workloads[row].batch - 1) * choice.paces[row]
            cycles[row] = max(choice.times(row).ends, default=0.0) + behind
        luts, lower, upper = (
            np.where(is_answered, choice.totals(name), np.nan) for name in ("luts", "luts_lower", "luts_upper")
        )
        return CostArrays(
            latency_ms=cycles / (1e6 * self._clock_ghz(choice.largest("widest_bits"))),
            energy_mj=None,
            area_mm2=self.hardware.area_mm2,
            model=self.hardware.target,
            luts=luts,
            luts_lower=lower,
            luts_upper=upper,
            is_extrapolated=is_answered & is_extrapolated,
        )

    def _bits(self, precision: Precision | None) -> tuple[int, int]:
        precision = precision or self.native_precision
        bits = ceil(precision.weight_bits), ceil(precision.activation_bits)
        widest = self.hardware.widest_operands
        if max(bits) > widest:
            raise UnsupportedPrecisionError(self.name, max(bits), range(1, widest + 1))
        return bits

    def _clock_ghz(self, widest_bits: FloatArray) -> FloatArray:
        path_ns = self.hardware.logic_ns + self.hardware.carry_ns_per_bit * widest_bits
        return np.minimum(self.hardware.max_clock_ghz, 1 / np.maximum(path_ns, 1e-12))


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """The forms that n networks take on a part.

    Attributes:
        workloads: the networks.
        shapes: their layers.
        ladders: what these choose from: with folded layers in DSPs, and in LUTs; with their values.
        available: (resources,) of the part.
        way: (n,) index of the ladders.
        places: (n,) of the pace in these ladders.
        fits: (n,) whether the network fits at all.
        values: (n, layers of one shape, columns) of the forms, see `COLUMNS`.
        paces: (n,) cycles from one sample to the next.
    """

    workloads: Sequence[Workload]
    shapes: Shapes
    ladders: Sequence[tuple[tuple[Ladder, ...], FloatArray]]
    available: FloatArray
    way: IntArray
    places: IntArray
    fits: BoolArray
    values: FloatArray
    paces: FloatArray

    @classmethod
    def of(cls, workloads: Sequence[Workload], hardware: FpgaHardware, bits: tuple[int, int]) -> _Choice:
        """The quickest forms that fit; of equally quick ones those with DSPs."""
        shapes = Shapes([workload.layers for workload in workloads])
        both = [ladders(shapes.layers, hardware, bits, has_dsps=has_dsps) for has_dsps in (True, False)]
        available = np.array([getattr(hardware, name) for name in RESOURCES]) * hardware.usable_share
        found = [_quickest(shapes.counts, values, available) for _, values in both]
        way = np.argmin([np.where(fits, paces, np.inf) for _, fits, _, paces in found], axis=0)
        places, fits, values, paces = (
            np.where((way == 1).reshape(-1, *(1,) * (first.ndim - 1)), second, first)
            for first, second in zip(*found, strict=True)
        )
        return cls(workloads, shapes, both, available, way, places, fits, values, paces)

    def totals(self, name: str) -> FloatArray:
        """(n,) sum of a column over each network's layers."""
        return (self.shapes.counts * self.values[:, :, COLUMNS[name]]).sum(axis=1)

    def largest(self, name: str) -> FloatArray:
        """(n,) largest of a column among each network's layers; 0 without a layer."""
        return _largest(self.shapes.counts, self.values, name)

    def forms(self, row: int) -> list[Form]:
        """Of each layer of a network."""
        found, _ = self.ladders[self.way[row]]
        of_shape = [ladder.forms[ladder.chosen[self.places[row]]] for ladder in found]
        return [of_shape[number] for number in self.shapes.numbers[row]]

    def times(self, row: int) -> Times:
        """When the layers of a network end."""
        columns = [COLUMNS[name] for name in ("awaited_share", "cycles", "depth")]
        steps = [
            None if share != share else Step(share, *rest) for share, *rest in self.values[row][:, columns].tolist()
        ]
        return schedule([steps[number] for number in self.shapes.numbers[row]], self.workloads[row].reads)

    def lacks(self) -> tuple[str, float, float]:
        """What the first network has too little of at the slowest pace, how much it needs and how much there is."""
        columns = slice(len(RESOURCES))
        smallest = [self.shapes.counts[0] @ values[:, -1, columns] for _, values in self.ladders]
        available = np.maximum(self.available, 1e-9)
        least = min(smallest, key=lambda total: float((total / available).max()))
        worst = int((least / available).argmax())
        return RESOURCES[worst], float(least[worst]), float(self.available[worst])


def _quickest(
    counts: FloatArray, values: FloatArray, available: FloatArray
) -> tuple[IntArray, BoolArray, FloatArray, FloatArray]:
    """Places, fits, values and paces as in `_Choice`, of values at all paces."""
    shapes, paces, _ = values.shape
    needed = values[:, :, : len(RESOURCES)].reshape(shapes, paces * len(RESOURCES))
    totals = (counts @ needed).reshape(-1, paces, len(RESOURCES))
    is_fitting = np.all(totals <= available, axis=2)
    places = is_fitting.argmax(axis=1)
    chosen = values[np.arange(shapes), places[:, None]]
    return places, np.any(is_fitting, axis=1), chosen, np.maximum(_largest(counts, chosen, "cycles"), 1.0)


def _largest(counts: FloatArray, values: FloatArray, name: str) -> FloatArray:
    return np.where(counts > 0, values[:, :, COLUMNS[name]], 0.0).max(axis=1, initial=0.0)


def _rows(
    workload: Workload, chosen: Sequence[Form], times: Times, pace: float, clock_ghz: float
) -> Iterator[LayerCost]:
    """Each layer's part of the way from the first input to the last output, and the batch's at the slowest one."""
    added = dict(times.path())
    slowest = next((index for index, form in enumerate(chosen) if form.cycles == pace and form.name != "free"), 0)
    added[slowest] = added.get(slowest, 0.0) + (workload.batch - 1) * pace
    for index, (layer, form) in enumerate(zip(workload.layers, chosen, strict=True)):
        cycles = added.get(index, 0.0)
        yield LayerCost(
            name=layer.name,
            latency_ms=cycles / (clock_ghz * 1e6),
            energy_mj=None,
            macs=workload.batch * layer.macs,
            bytes_moved=0.0,
            cycles=Cycles(cycles, 0, cycles),
            details={
                "form": form.name,
                "extrapolated": bool(form.beyond),
                "interval_cycles": form.cycles,
                **{name: getattr(form, name) for name in _TOTALS},
            },
        )


def _warnings(beyond: Sequence[tuple[str, tuple[Beyond, ...]]]) -> tuple[str, ...]:
    """Args: beyond: names of the layers whose cells are extrapolated, with why."""
    if not beyond:
        return ()
    farthest: dict[str, Beyond] = {}
    for each in (each for _, several in beyond for each in several):
        known = farthest.setdefault(each.name, each)
        farthest[each.name] = max(known, each, key=lambda one: abs(one.value - sum(one.bounds) / 2))
    reasons = ", ".join(
        f"{name} {each.value:,.4g} where {each.bounds[0]:g} to {each.bounds[1]:g} were synthesised"
        for name, each in farthest.items()
    )
    names = ", ".join(name for name, _ in beyond[:_NAMED])
    more = f" and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
    return (
        f"cells of {len(beyond)} layers ({names}{more}) are extrapolated: {reasons}; they may be further off than "
        "their intervals say",
    )
