"""Answers of /admin/accuracies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from service.schemas.uploads import RowError

if TYPE_CHECKING:
    from service.use_cases.upload_accuracies import AccuracyUpload


class AccuracyTable(BaseModel):
    """Accuracies of one source in a space, on one data set."""

    space: str
    dataset: str
    source: str = Field(description="as the upload says, else the name of the API key; or the imported benchmark")
    count: int = Field(description="architectures")


class AccuracyTables(BaseModel):
    """All of them, by space, data set and source."""

    tables: list[AccuracyTable]


class AccuracyUploadAnswer(BaseModel):
    """What an upload of accuracies did, or would do."""

    dry_run: bool
    inserted: int = Field(description="architectures that had no accuracy on the data set")
    updated: int = Field(description="accuracies, or their sources, that were replaced")
    unchanged: int
    rejected: int = Field(description="bad rows, which `on_error=skip` left out")
    errors: list[RowError] = Field(default_factory=list, description="the first 1,000 problems of the rejected rows")
    tables: list[AccuracyTable] = Field(description="what there is now of the spaces and data sets in the upload")

    @classmethod
    def of(cls, outcome: AccuracyUpload, *, dry_run: bool) -> AccuracyUploadAnswer:
        """The answer that reports the outcome of an upload."""
        return cls(
            dry_run=dry_run,
            inserted=outcome.counts.inserted,
            updated=outcome.counts.updated,
            unchanged=outcome.counts.unchanged,
            rejected=outcome.rejected,
            errors=[RowError.model_validate(problem, from_attributes=True) for problem in outcome.problems],
            tables=[AccuracyTable.model_validate(table, from_attributes=True) for table in outcome.tables],
        )


class RemovedAccuracies(BaseModel):
    """What removing a table did."""

    space: str
    dataset: str
    removed: int
