"""Reads predictors out of the database: equal bytes once, and those that this installation cannot run not at all."""

from dataclasses import dataclass
from functools import lru_cache

from device_db import Artifact, Artifacts
from predictors import InvalidArtifactError, LatencyPredictor, load
from service.errors import UnusablePredictorError
from spaces import get_space


@dataclass(frozen=True, slots=True, eq=False)
class StoredPredictor:
    """A version of a device's predictor, ready to predict.

    Attributes:
        artifact: its row; only read, its session has ended.
    """

    artifact: Artifact
    predictor: LatencyPredictor


def read_predictor(artifacts: Artifacts, artifact: Artifact) -> LatencyPredictor:
    """The predictor of an artifact.

    Keyed by content rather than by version, because this runs in transactions that may roll back: the version would
    be given again, to another predictor.

    Raises: UnusablePredictorError for one of another version of archcast or that needs what is not installed.
    """
    try:
        return _read(artifacts.load_blob(artifact))
    except ModuleNotFoundError as error:
        reason = f"it needs {error.name}, which is not installed here"
    except InvalidArtifactError as error:
        reason = str(error)
    raise UnusablePredictorError(artifact.device.name, artifact.space, artifact.version, artifact.predictor, reason)


@lru_cache(maxsize=128)
def _read(blob: bytes) -> LatencyPredictor:
    return load(blob, get_space)
