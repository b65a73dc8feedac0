"""The search for the configuration of a design that does most for a network under a budget of DSPs and block RAMs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from targets.errors import RefusedNetworkError, TargetError
from targets.m4bram.configuration import Configuration, Configurations
from targets.m4bram.engine import Engine, FloatArray
from targets.m4bram.network import Network
from targets.m4bram.rules import CHANNELS_PER_BRAM, WIDEST_SHARE, WIDEST_TREE

Objective = Literal["cycles", "speedup_per_area"]


class NoConfigurationError(TargetError):
    """No configuration fits into the budget.

    Attributes:
        short: what there is too little of, as hardware descriptions call it: `dsp_budget`, or `bram_budget` where the
            DSPs would do for some configuration.
        least: of that, what the most frugal configuration takes.
    """

    def __init__(self, design: str, dsps: int, brams: int, *, short: Literal["dsp_budget", "bram_budget"], least: int):
        name = {"dsp_budget": "DSPs", "bram_budget": "block RAMs"}[short]
        fits = f"no configuration of {design} fits into {dsps} DSPs and {brams} block RAMs"
        super().__init__(f"{fits}: it takes at least {least} {name}")
        self.design = design
        self.dsps = dsps
        self.brams = brams
        self.short = short
        self.least = least


class NoRoomForFiltersError(NoConfigurationError, RefusedNetworkError):
    """Of block RAMs, which another network's filters may need fewer of."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the chip has to give."""

    dsps: int
    brams: int


@dataclass(frozen=True, slots=True)
class SearchGrid:
    """Values of the unroll factors that are tried, as in the authors' study of M4BRAM.

    Attributes:
        dla_cvec: input channels of DLA.
        dla_kvec: output channels of DLA.
        dla_kvec_is_multiple: whether any multiple of `cvec` goes for `kvec`, rather than an even one.
    """

    dla_cvec: range = range(4, 65, 4)
    dla_kvec: range = range(4, 129, 4)
    dla_kvec_is_multiple: bool = False

    @lru_cache(maxsize=32)  # noqa: B019  (grids are few and small, and equal ones share their entries)
    def configurations(self, engine: Engine) -> Configurations:
        """All configurations of the engine's design that the grid and the design's rules admit."""
        return {"dla": self._dla, "m4bram": self._m4bram, "bramac": self._bramac, "no-dsp": self._no_dsp}[
            engine.design.family
        ](engine)

    def _dla(self, engine: Engine) -> Configurations:
        pvec, qvec, cvec, kvec = _product(range(1, 9), range(1, 9), self.dla_cvec, self.dla_kvec)
        goes = kvec % (cvec if self.dla_kvec_is_multiple else 2 * cvec) == 0
        allowed = goes & (cvec * engine.rvec <= WIDEST_TREE) & _fills_dsps(engine, pvec * qvec)
        nothing = np.zeros_like(pvec)
        return Configurations(pvec, qvec, cvec, kvec, nothing, nothing, nothing).where(allowed)

    def _m4bram(self, engine: Engine) -> Configurations:
        shares = _product((1, 2, 4), (1, 2, 4), range(1, 9))
        pvec, bram_qvec, dsp_qvec = (
            values[(shares[0] * shares[1] <= WIDEST_SHARE["m4bram"]) & _fills_dsps(engine, shares[0] * shares[2])]
            for values in shares
        )
        channels = _product(range(4, 65, 4), range(4, 129, 4), range(4, 257, 4), range(16, 257, 16))
        dsp_cvec, bram_cvec, dsp_kvec, bram_kvec = channels
        goes = (
            (bram_cvec % (CHANNELS_PER_BRAM * dsp_cvec) == 0)
            & (bram_kvec % dsp_kvec == 0)
            & (dsp_kvec % (2 * dsp_cvec) == 0)
            & (bram_cvec * engine.rvec <= WIDEST_TREE * CHANNELS_PER_BRAM)
            & (dsp_cvec * engine.rvec <= WIDEST_TREE)
        )
        share, channel = _product(range(len(pvec)), np.flatnonzero(goes))
        return Configurations(
            pvec[share],
            dsp_qvec[share],
            dsp_cvec[channel],
            dsp_kvec[channel],
            bram_qvec[share],
            bram_cvec[channel],
            bram_kvec[channel],
        )

    def _bramac(self, engine: Engine) -> Configurations:
        step = engine.design.block_width // engine.weight_bits
        qvec, cvec, kvec = _product(range(1, 5), range(2, 65, 2), range(2 * step, 30 * step, step))
        bram_cvec = cvec * engine.iteration_cycles
        allowed = (bram_cvec * engine.rvec <= WIDEST_TREE * CHANNELS_PER_BRAM) & _fills_dsps(engine, qvec)
        columns = np.full_like(qvec, engine.design.bram_columns)
        return Configurations(np.ones_like(qvec), qvec, cvec, kvec, columns, bram_cvec, kvec).where(allowed)

    def _no_dsp(self, engine: Engine) -> Configurations:
        pvec, qvec, cvec, kvec = _product((1, 2, 4), (1, 2, 4), range(4, 129, 4), range(16, 257, 16))
        allowed = (
            (pvec * qvec <= WIDEST_SHARE["no-dsp"])
            & (kvec % (2 * cvec) == 0)
            & (cvec * engine.rvec <= WIDEST_TREE * CHANNELS_PER_BRAM)
        )
        nothing = np.zeros_like(pvec)
        return Configurations(pvec, nothing, nothing, nothing, qvec, cvec, kvec).where(allowed)


# DLA as it is searched for in the study of BRAMAC.
BRAMAC_STUDY_GRID: Final = SearchGrid(range(4, 33, 2), range(4, 257, 4), dla_kvec_is_multiple=True)
# What DLA's objective is relative to.
REFERENCE_DLA: Final = Configuration(pvec=1, dsp_qvec=1, dsp_cvec=8, dsp_kvec=48)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration with what it takes and does.

    Attributes:
        configuration: the unroll factors.
        cycles: of the whole network.
        dsps: taken.
        filter_brams: block RAMs of the filter cache.
        stream_brams: block RAMs of the stream buffer.
        area: of both, in the authors' units.
    """

    configuration: Configuration
    cycles: int
    dsps: int
    filter_brams: int
    stream_brams: int
    area: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What n configurations take and do, each (n,)."""

    cycles: NDArray[np.int64]
    dsps: NDArray[np.int64]
    filter_brams: NDArray[np.int64]
    stream_brams: NDArray[np.int64]
    area: FloatArray


def evaluate(
    engine: Engine, network: Network, configurations: Configurations, budget: Budget | None = None
) -> Evaluation:
    """Cycles and resources of every configuration, in their order.

    Args:
        budget: what a stream buffer makes do with, where the model knows memory outside the chip.
    """
    dsps = engine.dsps(configurations)
    filter_brams = engine.placed_filter_brams(network, configurations)
    stream_brams = engine.stream_buffer_brams(network, configurations)
    if budget is not None:
        least = engine.least_stream_brams(network, configurations)
        stream_brams = np.maximum(least, np.minimum(stream_brams, budget.brams - filter_brams))
    area = engine.design.area((filter_brams + stream_brams).astype(np.float64), dsps.astype(np.float64))
    return Evaluation(engine.cycles(network, configurations), dsps, filter_brams, stream_brams, area)


def candidate(engine: Engine, network: Network, configuration: Configuration) -> Candidate:
    """What one configuration takes and does."""
    return _candidate(configuration, evaluate(engine, network, Configurations.of(configuration)), 0)


def best_configuration(
    engine: Engine,
    network: Network,
    budget: Budget,
    *,
    objective: Objective = "cycles",
    relative_to: Candidate | None = None,
    least_speedup: float = 1.0,
    grid: SearchGrid | None = None,
) -> Candidate:
    """The best configuration within the budget; of equals the first of the grid.

    Args:
        engine: design and widths.
        network: to run.
        budget: what the chip has.
        objective: fewest cycles, or speed squared per area relative to another candidate, the authors' figure.
        relative_to: that candidate; needed for "speedup_per_area".
        least_speedup: at or below which that figure counts as 0; where all are 0, the fewest cycles decide.
        grid: configurations to try.

    Raises:
        NoConfigurationError: none fits, NoRoomForFiltersError where DSPs are not why.
        ValueError: the objective lacks the candidate that it is relative to.
    """
    configurations, dsps, brams = _least_resources(engine, network, grid or SearchGrid())
    has_dsps = dsps <= budget.dsps
    fitting = configurations.where(has_dsps & (brams <= budget.brams))
    if len(fitting) == 0:
        names = engine.design.name, budget.dsps, budget.brams
        if has_dsps.any():
            raise NoRoomForFiltersError(*names, short="bram_budget", least=int(brams[has_dsps].min()))
        raise NoConfigurationError(*names, short="dsp_budget", least=int(dsps.min()))
    found = evaluate(engine, network, fitting, budget)
    if objective == "cycles":
        best = int(np.argmin(found.cycles))
    else:
        if relative_to is None:
            raise ValueError("the objective speedup_per_area is relative to another candidate: give relative_to")
        speedup = relative_to.cycles / found.cycles
        figure = np.where(speedup > least_speedup, speedup * (speedup / (found.area / relative_to.area)), 0.0)
        best = int(np.argmax(figure)) if figure.any() else int(np.argmin(found.cycles))
    return _candidate(fitting[best], found, best)


@lru_cache(maxsize=32)
def _least_resources(
    engine: Engine, network: Network, grid: SearchGrid
) -> tuple[Configurations, NDArray[np.int64], NDArray[np.int64]]:
    """The grid's n configurations, with the DSPs and block RAMs (n,) that each cannot do without."""
    configurations = grid.configurations(engine)
    brams = engine.placed_filter_brams(network, configurations) + engine.least_stream_brams(network, configurations)
    return configurations, engine.dsps(configurations), brams


def _candidate(configuration: Configuration, found: Evaluation, index: int) -> Candidate:
    return Candidate(
        configuration,
        int(found.cycles[index]),
        int(found.dsps[index]),
        int(found.filter_brams[index]),
        int(found.stream_brams[index]),
        float(found.area[index]),
    )


def _fills_dsps(engine: Engine, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether pairs of pixels fill the packed multipliers, as 2-bit weights ask for."""
    return (pixels % 2 == 0) | (engine.weight_bits != 2)


def _product(*values: Sequence[int] | NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Columns of the Cartesian product, the last factor fastest."""
    return [axis.ravel() for axis in np.meshgrid(*(np.asarray(each) for each in values), indexing="ij")]
