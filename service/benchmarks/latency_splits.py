"""Given splits of NASFLAT's tasks: which architectures are known of the sources, and which are timed on each target.

The format is JSON, task -> seeds -> seed -> `source_archs` and `transfer_archs` by device, indices into the latency
table's order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spaces.base import IntArray


@dataclass(frozen=True, slots=True)
class Splits:
    """Splits of several tasks; see `read`."""

    tasks: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Splits:
        """The splits of a file. Raises: ValueError for a file of another format."""
        tasks = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(tasks, dict) or not all("seeds" in task for task in tasks.values()):
            raise ValueError(f"{path} has no tasks with seeds")
        return cls(tasks)

    def source_rows(self, task: str, seed: int) -> IntArray:
        """(n,) rows known of every source device. Raises: KeyError for a task or seed without a split."""
        return np.array(self.tasks[task]["seeds"][str(seed)]["source_archs"])

    def timed_rows(self, task: str, seed: int) -> dict[str, IntArray]:
        """Target device -> rows timed on it. Raises: KeyError."""
        chosen = self.tasks[task]["seeds"][str(seed)]["transfer_archs"]
        return {device: np.array(rows) for device, rows in chosen.items()}
