"""Answers of /admin/measurements."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from service.use_cases.undo_upload import UndoOutcome
    from service.use_cases.upload_measurements import UploadOutcome


class RowError(BaseModel):
    """Why one row was refused."""

    row: int = Field(description="1-based number of the data row")
    line: int | None = Field(default=None, description="1-based line of the file, in formats that have lines")
    column: str | None = None
    reason: str


class PredictorVersion(BaseModel):
    """A predictor that is the device's newest after the request."""

    device: str
    space: str
    name: str
    version: int
    samples: int


class UploadAnswer(BaseModel):
    """What an upload did, or would do."""

    batch: str | None = Field(description="id of the upload, which DELETE takes; null when nothing was stored")
    dry_run: bool
    inserted: int = Field(description="rows for an architecture that the device had no latency of")
    updated: int = Field(description="rows that replace another value; undoing the upload brings that back")
    unchanged: int = Field(description="rows that were stored already")
    rejected: int = Field(description="bad rows, which `on_error=skip` left out")
    errors: list[RowError] = Field(default_factory=list, description="the first 1,000 problems of the rejected rows")
    predictors: list[PredictorVersion] = Field(
        default_factory=list, description="predictors of the devices in the upload; none below the needed samples"
    )

    @classmethod
    def of(cls, outcome: UploadOutcome, *, dry_run: bool) -> UploadAnswer:
        """The answer that reports the outcome of an upload."""
        return cls(
            batch=outcome.batch,
            dry_run=dry_run,
            inserted=outcome.counts.inserted,
            updated=outcome.counts.updated,
            unchanged=outcome.counts.unchanged,
            rejected=outcome.rejected,
            errors=[RowError.model_validate(problem, from_attributes=True) for problem in outcome.problems],
            predictors=[PredictorVersion.model_validate(one, from_attributes=True) for one in outcome.predictors],
        )


class UndoAnswer(BaseModel):
    """What undoing an upload did."""

    batch: str
    removed: int = Field(description="rows of the upload that are gone")
    restored: int = Field(description="earlier rows that count again")
    predictors: list[PredictorVersion] = Field(
        default_factory=list, description="predictors of the devices in the upload; none where too few samples are left"
    )

    @classmethod
    def of(cls, outcome: UndoOutcome, *, batch: str) -> UndoAnswer:
        """The answer that reports the outcome of undoing `batch`."""
        return cls(
            batch=batch,
            removed=outcome.counts.removed,
            restored=outcome.counts.restored,
            predictors=[PredictorVersion.model_validate(one, from_attributes=True) for one in outcome.predictors],
        )


class UploadSummary(BaseModel):
    """One upload that has not been undone."""

    batch: str
    uploader: str
    source: str
    created_at: datetime
    inserted: int
    updated: int
    unchanged: int


class UploadList(BaseModel):
    """Uploads, newest first."""

    uploads: list[UploadSummary]
