"""Removes what only history asks for: old predictor versions and jobs that ended long ago."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from device_db import Artifacts, Jobs


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows of each kind were removed."""

    predictors: int
    jobs: int


def prune(session: Session, *, keep_versions: int, keep_days: float) -> Pruned:
    """Remove versions and jobs that are older than `keep_days`; flushes, does not commit.

    The newest predictor of a device and space stays, whatever its age, and so do the `keep_versions` newest; so do jobs
    that wait or run.
    """
    before = datetime.now(UTC) - timedelta(days=keep_days)
    return Pruned(Artifacts(session).prune(keep_versions, before), Jobs(session).prune(before))
