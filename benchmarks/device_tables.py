"""A space's measured devices with the columns of their architectures, for studies of linear predictors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictors import SAMPLERS
from service.benchmarks.latency_tables import LatencyTable
from service.benchmarks.latency_tasks import Bench
from service.benchmarks.tasks import TASKS, Task
from spaces.base import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class DeviceTable:
    """Latencies of n architectures on every device of a space.

    Attributes:
        devices: those studied.
    """

    bench: Bench
    devices: tuple[str, ...]

    @classmethod
    def of(cls, space: str, table: LatencyTable, devices: tuple[str, ...]) -> DeviceTable:
        """Of some devices of a table."""
        return cls(Bench.of(Task(space, space, (), devices), table), devices)

    def latency_ms(self, device: str) -> FloatArray:
        """(n,), NaN where not measured."""
        return self.bench.table.latency_ms[device]

    def choose(self, device: str, sampler: str, count: int, *, rng: np.random.Generator) -> IntArray:
        """Rows to time; a design is over a third of the architectures, or every seed would have the same."""
        rows = np.flatnonzero(np.isfinite(self.latency_ms(device)) & self.bench.has_path)
        if sampler == "d_optimal":
            rows = np.sort(rng.permutation(rows)[: len(rows) // 3])
        candidates = self.bench.architectures(rows)
        chosen = SAMPLERS[sampler](self.bench.space, candidates, [], count, rng=rng)
        return np.array([self.bench.row_of[architecture] for architecture in chosen])

    def held_out(self, device: str, rows: IntArray) -> IntArray:
        """Rows that are measured and not isomorphic to a timed one."""
        classes = self.bench.classes
        return np.flatnonzero(np.isfinite(self.latency_ms(device)) & ~np.isin(classes, classes[rows]))


def untargeted(space: str, table: LatencyTable) -> tuple[str, ...]:
    """Devices that are no task's target; a resolution of which few cells were measured is left out."""
    targets = {device for task in TASKS.values() if task.space == space for device in task.targets}
    return tuple(
        sorted(device for device in table.latency_ms if device not in targets and not device.endswith("large"))
    )
