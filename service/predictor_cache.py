"""Predictors in memory: each artifact version is read and deserialised once."""

import threading
from collections import OrderedDict

from sqlalchemy.orm import Session

from device_db import Artifacts
from predictors import LatencyPredictor, load
from service.workload_costs import WorkloadPredictors
from spaces import get_space


class PredictorCache:
    """Thread-safe least-recently-used cache over the artifacts in the database.

    Attributes:
        workloads: predictors over layers, which have no artifacts.
    """

    def __init__(self, size: int):
        self._size = size
        self.workloads = WorkloadPredictors()
        self._predictors: OrderedDict[tuple[str, str, int], LatencyPredictor] = OrderedDict()
        self._lock = threading.Lock()

    def latest(self, session: Session, device: str, space: str) -> tuple[int, LatencyPredictor] | None:
        """Version and predictor of the device's newest artifact; None without one."""
        version = Artifacts(session).latest_version(device, space)
        if version is None:
            return None
        key = (device, space, version)
        with self._lock:
            if key not in self._predictors:
                self._predictors[key] = _load(session, *key)
                while len(self._predictors) > self._size:
                    self._predictors.popitem(last=False)
            self._predictors.move_to_end(key)
            return version, self._predictors[key]


def _load(session: Session, device: str, space: str, version: int) -> LatencyPredictor:
    artifacts = Artifacts(session)
    return load(artifacts.load_blob(artifacts.get(device, space, version)), get_space)
