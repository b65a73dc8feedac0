"""The cost of a network that stands unrolled on an FPGA, layer behind layer, folded where it does not fit.

Every layer has hardware of its own, so samples follow each other at the pace of the slowest layer. The form of each is
chosen as follows: for a wanted pace of T cycles, each layer takes the form that needs no more and is cheapest, at some
prices of flip-flops, DSPs and block RAM in LUTs; the smallest T of a geometric series whose forms fit into the part
together is one way to put it there. Of many ways, at several prices and with forms of several clocks at most, see
`targets.fpga.ladders`, the quickest counts, and of equally quick ones that of fewest LUTs; where some are as quick as
is wanted, the one of least LUTs times period among these. Where folded layers want more DSPs than there are, the last
ones have multipliers of LUTs. A larger part quickens the pace, but for a step of the series.

The way of a sample from the first input to the last output is the longest path through the network, see
`targets.fpga.schedule`: branches run at the same time.

Source of the unrolled forms: Dai et al. 2024 (Kratos), arXiv 2407.06033; the folding is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces.base import BoolArray, FloatArray, IntArray, Workload
from targets.base import Cost, CostArrays, Cycles, LayerCost, Precision
from targets.errors import NotFittingError, UnsupportedPrecisionError
from targets.fpga.clock import clock_ghz, network_clock_ghz
from targets.fpga.errors import OutsideModelRangeError
from targets.fpga.forms import Beyond, Form
from targets.fpga.hardware import FpgaHardware
from targets.fpga.ladders import COLUMNS, RESOURCES, Ladders, Shapes
from targets.fpga.schedule import Step, Times, schedule
from targets.fpga.units import load_unit_costs
from targets.hardware_target import HardwareTarget

_TOTALS: Final = (*RESOURCES, "luts_lower", "luts_upper")
_NAMED: Final = 3
_DSPS: Final = RESOURCES.index("dsps")
_LUTS: Final = RESOURCES.index("luts")
# What stands in the place of a DSP.
_REPLACING: Final = (_LUTS, RESOURCES.index("flip_flops"))


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
            raise choice.lacks(self.hardware)
        chosen = choice.forms(0)
        beyond = [(layer.name, form.beyond) for layer, form in zip(workload.layers, chosen, strict=True) if form.beyond]
        if beyond and not self.hardware.extrapolates:
            name, (first, *_) = beyond[0]
            raise OutsideModelRangeError(*first, layer=name)
        clock = network_clock_ghz(self.hardware, chosen)
        pace = float(choice.paces[0])
        rows = tuple(_rows(workload, chosen, choice.times(0), pace, clock.value))
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
                "clock_ghz": clock.value,
                "clock_ghz_lower": clock.lower,
                "clock_ghz_upper": clock.upper,
                "samples_per_second": 1e9 * clock.value / pace if chosen else 0.0,
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
            latency_ms=cycles / (1e6 * clock_ghz(self.hardware, choice.largest("path_ns"))),
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
        known = range(1, self.hardware.widest_operands + 1)
        for bits in (precision.weight_bits, precision.activation_bits):
            if bits not in known:
                raise UnsupportedPrecisionError(self.name, bits, known)
        return int(precision.weight_bits), int(precision.activation_bits)


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """The forms that n networks take on a part.

    Attributes:
        workloads: the networks.
        shapes: their layers.
        ladders: what these choose from, by prices; see `targets.fpga.ladders`.
        ways: (n,) index of the way.
        places: (n,) of the pace.
        surplus: (n,) DSPs too many for the part, in whose place there are LUTs.
        in_place: (n, 2) LUTs and flip-flops in the place of each: those of the widest sums of the network.
        factor: between LUTs of units and the bounds of their interval.
        fits: (n,) whether the network fits at all.
        values: (n, layers of one shape, columns) of the forms, see `COLUMNS`.
        paces: (n,) cycles from one sample to the next.
    """

    workloads: Sequence[Workload]
    shapes: Shapes
    ladders: Ladders
    ways: IntArray
    places: IntArray
    surplus: FloatArray
    in_place: FloatArray
    factor: float
    fits: BoolArray
    values: FloatArray
    paces: FloatArray

    @classmethod
    def of(cls, workloads: Sequence[Workload], hardware: FpgaHardware, bits: tuple[int, int]) -> _Choice:
        """The quickest forms that fit."""
        shapes = Shapes([workload.layers for workload in workloads])
        counts, rows = shapes.counts, np.arange(len(workloads))
        found, available = Ladders(shapes.layers, hardware, bits), _available(hardware)
        in_place, paths_ns = (
            np.where(counts[:, :, None] > 0, of_layers, 0.0).max(axis=1, initial=0.0)
            for of_layers in (found.in_place(), found.paths_ns())
        )
        periods_ns = 1 / clock_ghz(hardware, paths_ns)
        wanted = int(np.searchsorted(found.paces, hardware.wanted_interval_cycles, side="right"))
        ways, places = np.zeros((2, len(rows)), int)
        surplus, luts, intervals_ns = np.zeros(len(rows)), *np.full((2, len(rows)), np.inf)
        suffices = np.zeros(len(rows), bool)
        for way in range(found.ways):
            # Nothing slower than what was found, or than what is wanted, can be better.
            slowest = (intervals_ns / periods_ns[:, way])[~suffices].max(initial=0.0)
            paces = max(int(np.searchsorted(found.paces, slowest * (1 + 1e-9), side="right")), wanted)
            totals, too_many = _totals(counts, found.needed(way, paces), available, in_place)
            is_fitting = np.all(totals <= available, axis=2)
            # Of paces that suffice the one of fewest LUTs, of several the slowest; or else the quickest pace.
            sufficient = np.where(is_fitting, totals[:, :, _LUTS], np.inf)[:, wanted - 1 :: -1]
            is_sufficient = is_fitting[:, :wanted].any(axis=1)
            place = np.where(is_sufficient, wanted - 1 - sufficient.argmin(axis=1), is_fitting.argmax(axis=1))
            period_ns, of_way = periods_ns[:, way], totals[rows, place, _LUTS]
            interval_ns = found.paces[place] * period_ns
            is_quicker = (interval_ns < intervals_ns) | (interval_ns == intervals_ns) & (of_way < luts)
            # A few LUTs less are not worth a slow clock: the product of area and delay decides.
            is_smaller = of_way * period_ns < luts * periods_ns[rows, ways]
            is_better = is_sufficient & (~suffices | is_smaller) | ~is_sufficient & ~suffices & is_quicker
            is_better &= is_fitting[rows, place]
            ways[is_better], places[is_better] = way, place[is_better]
            luts[is_better], intervals_ns[is_better] = of_way[is_better], interval_ns[is_better]
            surplus[is_better] = too_many[rows, place][is_better]
            suffices |= is_sufficient
        fits = np.isfinite(intervals_ns)
        values = found.figures(ways, places)
        paces = np.where(fits, np.maximum(_largest(counts, values, "cycles"), 1.0), np.inf)
        factor = load_unit_costs()[hardware.area_flow].factor
        return cls(workloads, shapes, found, ways, places, surplus, in_place, factor, fits, values, paces)

    def totals(self, name: str) -> FloatArray:
        """(n,) sum of a column over each network's layers."""
        luts, flip_flops = self.in_place.T
        in_place = {
            "luts": luts,
            "luts_lower": luts / self.factor,
            "luts_upper": luts * self.factor,
            "flip_flops": flip_flops,
            "dsps": -1.0,
        }
        return (self.shapes.counts * self.values[:, :, COLUMNS[name]]).sum(axis=1) + self.surplus * in_place.get(
            name, 0.0
        )

    def largest(self, name: str) -> FloatArray:
        """(n,) largest of a column among each network's layers; 0 without a layer."""
        return _largest(self.shapes.counts, self.values, name)

    def forms(self, row: int) -> list[Form]:
        """Of each layer of a network; where there are too few DSPs, the last ones have LUTs in their place."""
        of_shape = self.ladders.forms(self.ways[row], self.places[row])
        found = [of_shape[number] for number in self.shapes.numbers[row]]
        left = int(self.surplus[row])
        luts, flip_flops = self.in_place[row].tolist()
        for number in reversed(range(len(found))):
            moved = min(left, found[number].dsps)
            if moved:
                found[number] = found[number].with_units(moved * luts, moved * flip_flops, self.factor, moved)
                left -= moved
        return found

    def times(self, row: int) -> Times:
        """When the layers of a network end."""
        columns = [COLUMNS[name] for name in ("awaited_share", "cycles", "depth")]
        steps = [
            None if share != share else Step(share, *rest) for share, *rest in self.values[row][:, columns].tolist()
        ]
        return schedule([steps[number] for number in self.shapes.numbers[row]], self.workloads[row].reads)

    def lacks(self, hardware: FpgaHardware) -> NotFittingError:
        """Why the first network does not fit: a resource that it takes too much of in any form, if there is one."""
        available = _available(hardware)
        counts = self.shapes.counts[0]
        least = counts @ self.ladders.least()
        is_certain = bool(np.any(least > available))
        if not is_certain:
            ways, last = range(self.ladders.ways), len(self.ladders.paces)
            slowest = [self.ladders.needed(way, last)[:, -1:] for way in ways]
            mixes = [_totals(counts[None], needed, available, self.in_place[:1])[0][0, 0] for needed in slowest]
            least = min(mixes, key=lambda mix: float((mix / np.maximum(available, 1e-9)).max()))
        worst = int((least / np.maximum(available, 1e-9)).argmax())
        name = RESOURCES[worst]
        return NotFittingError(
            hardware.name,
            name,
            float(least[worst]),
            float(available[worst]),
            of=float(getattr(hardware, name)),
            is_least=is_certain,
        )


def _available(hardware: FpgaHardware) -> FloatArray:
    usable = np.array([getattr(hardware, name) for name in RESOURCES]) * hardware.usable_share
    if hardware.max_luts is not None:
        usable[_LUTS] = min(usable[_LUTS], hardware.max_luts)
    return usable


def _totals(
    counts: FloatArray, needed: FloatArray, available: FloatArray, in_place: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n, paces, resources) of networks from (layers, paces, resources), and (n, paces) DSPs that are replaced."""
    flat = counts @ needed.reshape(len(needed), needed.shape[1] * needed.shape[2])
    totals = flat.reshape(len(counts), *needed.shape[1:])
    surplus = np.ceil(np.maximum(totals[:, :, _DSPS] - available[_DSPS], 0.0))
    for replaced, column in enumerate(_REPLACING):
        totals[:, :, column] += surplus * in_place[:, replaced, None]
    totals[:, :, _DSPS] -= surplus
    return totals, surplus


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
