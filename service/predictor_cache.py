"""Predictors in memory: each artifact version is read and deserialised once."""

import threading
from collections import OrderedDict

from sqlalchemy.orm import Session

from device_db import Artifacts
from service.stored_predictor import StoredPredictor, read_predictor
from service.workload_costs import WorkloadPredictors


class PredictorCache:
    """Thread-safe least-recently-used cache over the artifacts in the database.

    Attributes:
        workloads: predictors over layers, which have no artifacts.
    """

    def __init__(self, size: int):
        self._size = size
        self.workloads = WorkloadPredictors()
        self._predictors: OrderedDict[tuple[str, str, int], StoredPredictor] = OrderedDict()
        self._lock = threading.Lock()

    def latest(self, session: Session, device: str, space: str) -> StoredPredictor | None:
        """The device's newest predictor; None without one. Raises: UnusablePredictorError."""
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
            return self._predictors[key]


def _load(session: Session, device: str, space: str, version: int) -> StoredPredictor:
    artifacts = Artifacts(session)
    artifact = artifacts.get(device, space, version)
    return StoredPredictor(artifact, read_predictor(artifacts, artifact))
