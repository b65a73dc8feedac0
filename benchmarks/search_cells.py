"""NAS-Bench-201 with accuracies and measured latencies, and what is predicted of them, for the search benchmarks."""

from __future__ import annotations

import time
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from arch_encodings import has_path
from device_db.importers import accuracy as accuracy_tables
from predictors import SAMPLERS, fit_cost_linear
from predictors.accuracy import fit_accuracy
from predictors.accuracy_encodings import encodings_for
from predictors.base import LatencyEstimate
from service.benchmarks.latency_tables import LatencyTable, read_tables
from spaces import get_space
from spaces.base import FloatArray, IntArray

TIMINGS, ACCURACIES = 20, 78
DEVICES = ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss")


@lru_cache(maxsize=1)
def read_cells(data: Path) -> Cells:
    """Read once."""
    return Cells(data)


class Cells:
    """NAS-Bench-201 with its CIFAR-100 accuracies and the devices' latencies, cells with a path alone."""

    def __init__(self, data: Path):
        self.space = get_space("nb201")
        self.table: LatencyTable = read_tables(data)["nb201"]
        parsed = accuracy_tables.read(data / "accuracy", lambda _, notation: self.space.parse(notation).key)
        self.known = next(part.values for part in parsed.accuracies if part.dataset == "cifar100")
        usable = has_path(self.space, self.table.architectures)
        self.rows = np.flatnonzero(usable)
        self.architectures = [self.table.architectures[row] for row in self.rows]
        self.accuracy = np.array([self.known[each.key] for each in self.architectures])

    def latency_ms(self, device: str) -> FloatArray:
        """(n,) measured."""
        return self.table.latency_ms[device][self.rows]

    @cache  # noqa: B019 (one instance)
    def timed(self, device: str, seed: int, timings: int = TIMINGS) -> tuple[LatencyEstimate, IntArray, float]:
        """Latencies from so many timings, which ones these are, and the seconds that the fit took.

        The timings are chosen as the product suggests them, among 2,000 random cells so that seeds differ.
        """
        rng = np.random.default_rng(seed)
        candidates = [self.architectures[row] for row in rng.choice(len(self.rows), 2_000, replace=False)]
        chosen = SAMPLERS["d_optimal"](self.space, candidates, [], timings, rng=rng)
        place = {each: row for row, each in enumerate(self.architectures)}
        rows = np.array([place[each] for each in chosen])
        begin = time.process_time()
        fit_cost_linear(self.space, chosen, self.latency_ms(device)[rows])
        seconds = time.process_time() - begin
        return self.fitted(device, rows), rows, seconds

    def fitted(self, device: str, rows: IntArray) -> LatencyEstimate:
        """All latencies from the timings of these."""
        chosen = [self.architectures[row] for row in rows]
        return fit_cost_linear(self.space, chosen, self.latency_ms(device)[rows]).predict(self.architectures)

    def best_under(
        self, device: str, limit: float, bound: FloatArray, timed: IntArray, accuracy: FloatArray
    ) -> int | None:
        """The most accurate one whose bound (n,), or latency if it is timed, keeps the limit; None if there is none."""
        bound = bound.copy()
        bound[timed] = self.latency_ms(device)[timed]
        allowed = np.flatnonzero((bound <= limit) & np.isfinite(accuracy))
        return int(allowed[accuracy[allowed].argmax()]) if len(allowed) else None

    @cache  # noqa: B019
    def guessed(self, seed: int) -> FloatArray:
        """Accuracies (n,) from 78 known ones, which keep theirs."""
        rows = np.random.default_rng(1_000 + seed).choice(len(self.rows), ACCURACIES, replace=False)
        known = [self.architectures[row] for row in rows]
        fitted = fit_accuracy(self.space, known, self.accuracy[rows], encodings_for(self.space))
        guess = fitted.predict(self.architectures).mean
        guess[rows] = self.accuracy[rows]
        return guess
