"""The cost of a network that stands unrolled on an FPGA, layer behind layer, folded where it does not fit.

Every layer has hardware of its own, so samples follow each other at the pace of the slowest layer. The form of each is
chosen as follows: for a wanted pace of T cycles, each layer takes the form that needs no more and is cheapest, in LUTs
with fixed prices for DSPs and block RAM; the smallest T of a geometric series whose forms fit into the part together is
the network's, once with folded layers in DSPs and once in LUTs. A larger part can only lower T.

A layer starts when the one before has made the rows of its first window (all of them where it is fully unrolled), and
ends no earlier than that one does. Branches are taken one after the other, in the order of the workload.

Source of the unrolled forms: Dai et al. 2024 (Kratos), arXiv 2407.06033; the folding is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import ceil
from typing import Final

import numpy as np

from spaces.base import FloatArray, Layer, Workload
from targets.base import Cost, Cycles, LayerCost, Precision
from targets.errors import NotFittingError, UnsupportedPrecisionError
from targets.fpga.forms import Form, forms
from targets.fpga.hardware import FpgaHardware
from targets.hardware_target import HardwareTarget

_RESOURCES: Final = ("luts", "flip_flops", "dsps", "memory_kilobits")
# In LUTs: what the multiplier of a DSP takes instead, and a share of the ratio of memory to LUTs that parts have.
_PRICES: Final = np.array([1.0, 0.0, 200.0, 10.0])
# Paces that are tried, in cycles from one sample to the next: four for each doubling, up to 2^44.
_PACES: Final[FloatArray] = np.unique(np.floor(2 ** (np.arange(177) / 4)))


@dataclass(frozen=True, slots=True)
class FpgaUnrolled(HardwareTarget[FpgaHardware]):
    """The cost of workloads on one part."""

    @property
    def is_additive(self) -> bool:
        """Layers share the part, and the slowest one sets the pace."""
        return False

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, whose samples follow each other; without energies.

        Raises:
            UnsupportedPrecisionError: operands too wide.
            NotFittingError: the network does not fit, however folded.
            OutsideModelRangeError: see `FpgaHardware.extrapolates`.
        """
        precision = precision or self.native_precision
        bits = self._bits(precision)
        chosen, pace = self._chosen(workload.layers, bits)
        clock_ghz = self._clock_ghz(chosen)
        rows = tuple(self._rows(workload, chosen, clock_ghz))
        totals = _taken(chosen).sum(axis=0)
        return Cost(
            latency_ms=sum(row.latency_ms for row in rows),
            energy_mj=None,
            area_mm2=self.hardware.area_mm2,
            model=self.hardware.target,
            layers=rows,
            cycles=sum((row.cycles for row in rows if row.cycles is not None), Cycles()),
            resources={
                **dict(zip(_RESOURCES, totals.tolist(), strict=True)),
                "initiation_interval_cycles": float(pace),
                "clock_ghz": clock_ghz,
                "samples_per_second": 1e9 * clock_ghz / pace if chosen else 0.0,
            },
        )

    def _bits(self, precision: Precision) -> tuple[int, int]:
        bits = ceil(precision.weight_bits), ceil(precision.activation_bits)
        widest = self.hardware.widest_operands
        if max(bits) > widest:
            raise UnsupportedPrecisionError(self.name, max(bits), range(1, widest + 1))
        return bits

    def _chosen(self, layers: Sequence[Layer], bits: tuple[int, int]) -> tuple[list[Form], int]:
        """A form for each layer, and the cycles from one sample to the next."""
        if not layers:
            return [], 1
        available = np.array([getattr(self.hardware, name) for name in _RESOURCES]) * self.hardware.usable_share
        found: list[list[Form]] = []
        smallest: list[FloatArray] = []
        for has_dsps in (True, False):
            known = _ladders(self.hardware, *bits, has_dsps)  # pyright: ignore[reportArgumentType]  (frozen, so hashable)
            ladders = [known[layer] for layer in layers]
            totals = np.sum([ladder.resources for ladder in ladders], axis=0)
            fits = (totals <= available).all(axis=1)
            if fits.any():
                place = int(fits.argmax())
                found.append([ladder.forms[place] for ladder in ladders])
            smallest.append(totals[-1])
        if not found:
            least = min(smallest, key=lambda total: float((total / np.maximum(available, 1e-9)).max()))
            worst = int((least / np.maximum(available, 1e-9)).argmax())
            raise NotFittingError(self.name, _RESOURCES[worst], float(least[worst]), float(available[worst]))
        chosen = min(found, key=lambda each: max(form.cycles for form in each))
        return chosen, max(form.cycles for form in chosen)

    def _clock_ghz(self, chosen: Sequence[Form]) -> float:
        widest = max((form.widest_bits for form in chosen), default=0.0)
        path_ns = self.hardware.logic_ns + self.hardware.carry_ns_per_bit * widest
        return min(self.hardware.max_clock_ghz, 1 / path_ns) if path_ns else self.hardware.max_clock_ghz

    def _rows(self, workload: Workload, chosen: Sequence[Form], clock_ghz: float) -> Iterator[LayerCost]:
        """Each layer's part of the way from the first input to the last output, and the batch's at the slowest one."""
        start = end = 0.0
        before: Form | None = None
        slowest = max(range(len(chosen)), key=lambda index: chosen[index].cycles, default=0)
        for index, (layer, form) in enumerate(zip(workload.layers, chosen, strict=True)):
            if form.name == "free":
                added = 0.0
            else:
                start += 0.0 if before is None else _awaited_share(layer, form) * before.cycles + before.depth
                finished = max(start + form.cycles, end) + form.depth
                added, end, before = finished - end, finished, form
            if index == slowest:
                added += (workload.batch - 1) * form.cycles
            yield LayerCost(
                name=layer.name,
                latency_ms=added / (clock_ghz * 1e6),
                energy_mj=None,
                macs=workload.batch * layer.macs,
                bytes_moved=0.0,
                cycles=Cycles(added, 0, added),
                details={
                    "form": form.name,
                    "interval_cycles": form.cycles,
                    "luts": form.luts,
                    "luts_upper": form.luts_upper,
                    "flip_flops": form.flip_flops,
                    "dsps": form.dsps,
                    "memory_kilobits": form.memory_kilobits,
                },
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Ladder:
    """A layer's cheapest form at each pace: the forms, and what they take (paces, resources)."""

    forms: tuple[Form, ...]
    resources: FloatArray


class _Ladders(dict[Layer, _Ladder]):
    """Those of all layers on one part, made when they are asked for; layers of one shape share theirs."""

    def __init__(self, hardware: FpgaHardware, weight_bits: int, activation_bits: int, *, has_dsps: bool):
        super().__init__()
        self._forms = partial(
            forms, hardware=hardware, weight_bits=weight_bits, activation_bits=activation_bits, has_dsps=has_dsps
        )

    def __missing__(self, layer: Layer) -> _Ladder:
        nameless = replace(layer, name="")
        self[layer] = self._made(layer) if layer == nameless else self[nameless]
        return self[layer]

    def _made(self, layer: Layer) -> _Ladder:
        every = sorted(self._forms(layer), key=lambda form: form.cycles)
        taken = _taken(every)
        cycles, prices = np.array([form.cycles for form in every]), taken @ _PRICES
        # A pace that no form keeps is out of reach: it takes infinitely much.
        impossible = replace(every[0], luts=float("inf"))
        chosen = tuple(
            every[int(np.where(cycles <= pace, prices, np.inf).argmin())] if cycles[0] <= pace else impossible
            for pace in _PACES
        )
        return _Ladder(chosen, _taken(chosen))


@lru_cache(maxsize=128)
def _ladders(hardware: FpgaHardware, weight_bits: int, activation_bits: int, has_dsps: bool) -> _Ladders:
    return _Ladders(hardware, weight_bits, activation_bits, has_dsps=has_dsps)


def _awaited_share(layer: Layer, form: Form) -> float:
    """Part of its input that a layer needs before it starts."""
    if form.name == "unrolled" or layer.kind in ("linear", "matmul"):
        return 1.0
    return min(layer.kernel / max(layer.in_height, 1), 1.0)


def _taken(several: Sequence[Form]) -> FloatArray:
    """(n, resources) what each form takes."""
    rows = [[getattr(form, name) for name in _RESOURCES] for form in several]
    return np.array(rows, dtype=np.float64).reshape(-1, len(_RESOURCES))
