"""Takes back one upload: what it replaced counts again, and the predictors follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from device_db import Measurements, UndoCounts, session_factory
from service.errors import NotUploaderError
from service.latency_candidates import LatencyCandidates
from service.use_cases.adapt_predictor import AdaptedPredictor, adapt_each
from spaces import SearchSpace


@dataclass(frozen=True, slots=True)
class UndoOutcome:
    """What undoing did.

    Attributes:
        counts: rows removed and restored.
        predictors: newest predictor of every device and space that the upload had rows of, where one is left.
    """

    counts: UndoCounts
    predictors: tuple[AdaptedPredictor, ...]


def undo_upload(
    engine: Engine,
    spaces: Mapping[str, SearchSpace],
    candidates: LatencyCandidates,
    batch: str,
    *,
    api_key_id: str | None,
    may_undo_any: bool,
) -> UndoOutcome:
    """Undo an upload, then adapt the predictors of its devices.

    Args:
        api_key_id: of the key that asks; its own uploads it may undo.
        may_undo_any: whether it may undo every other too, also those sent without a key.

    Raises: UploadNotFoundError for an unknown batch and for one undone before; NotUploaderError.
    """
    with session_factory(engine).begin() as session:
        measurements = Measurements(session)
        owner = measurements.upload(batch).api_key_id
        if not may_undo_any and (owner is None or owner != api_key_id):
            raise NotUploaderError(batch)
        series = measurements.series(batch)
        counts = measurements.undo(batch)
    return UndoOutcome(counts, adapt_each(engine, spaces, candidates, series))
