"""Stores an uploaded file of accuracies, all of it or its good rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from device_db import Accuracies, AccuracyCount, StoreCounts, session_factory
from service.uploads.accuracy_review import AccuracyReview, review_accuracies
from service.uploads.columns import ACCURACIES
from service.uploads.errors import EmptyUploadError, RejectedRowsError, RowProblem
from service.uploads.raw_row import RowReader
from service.use_cases.upload_measurements import UploadOptions
from spaces import SearchSpace

MAX_ROWS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class AccuracyUpload:
    """What an upload did, or would have done.

    Attributes:
        counts: rows inserted, updated and unchanged.
        rejected: number of bad rows left out.
        problems: the first of them.
        tables: what there is of the spaces and data sets in the upload, by source.
    """

    counts: StoreCounts
    rejected: int
    problems: tuple[RowProblem, ...]
    tables: tuple[AccuracyCount, ...]


def upload_accuracies(
    engine: Engine, spaces: Mapping[str, SearchSpace], file: BinaryIO, reader: RowReader, options: UploadOptions
) -> AccuracyUpload:
    """Check the file, then store it in one transaction; a value that is there already is replaced.

    Raises:
        RejectedRowsError: a row is bad and `on_error` is "abort".
        EmptyUploadError, UnreadableUploadError, UploadColumnsError, UploadTooLargeError: the file as a whole is.
    """
    found = review_accuracies(reader(file, ACCURACIES), spaces, MAX_ROWS, check_units=options.check_units)
    if not found.rows:
        raise EmptyUploadError
    if found.rejected and options.on_error == "abort":
        raise RejectedRowsError(found.problems, len(found.rejected), found.rows)
    with session_factory(engine)() as session:
        counts = _store(session, found, options.uploader)
        tables = tuple(each for each in Accuracies(session).counts() if (each.space, each.dataset) in found.tables)
        if not options.dry_run:
            session.commit()
    return AccuracyUpload(counts, len(found.rejected), tuple(found.problems), tables)


def _store(session: Session, found: AccuracyReview, uploader: str) -> StoreCounts:
    counts = StoreCounts()
    for (space, dataset), table in found.tables.items():
        by_source: dict[str, dict[str, float]] = {}
        for key, row in table.items():
            by_source.setdefault(row.source or uploader, {})[key] = row.accuracy
        for source, values in by_source.items():
            counts += Accuracies(session).store(space, dataset, values, source)
    return counts
