"""Stores an uploaded file of measurements, all of it or its good rows, and adapts the predictors of its devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import BinaryIO, Final, Literal

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from device_db import (
    DeviceKind,
    Devices,
    MeasurementRow,
    Measurements,
    StoreCounts,
    session_factory,
)
from service.errors import OverloadedError
from service.latency_candidates import LatencyCandidates
from service.uploads.conditions import Conditions
from service.uploads.errors import EmptyUploadError, RejectedRowsError, RowProblem
from service.uploads.raw_row import RowReader
from service.uploads.review import Review, accepted, review
from service.uploads.units import unit_faults
from service.uploads.validation import CheckedRow, RowCheck
from service.use_cases.adapt_predictor import AdaptedPredictor, adapt_each, foresee
from service.use_cases.expect_latency import expect_latency, is_folded
from spaces import SearchSpace

MAX_ROWS: Final = 1_000_000
# Each further one means that other uploads to the same devices came between, and slot in after this many.
_MAX_REVIEWS: Final = 5
_RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """How an upload is treated.

    Attributes:
        dry_run: do everything, then undo it.
        on_error: "abort" stores nothing when a row is bad, "skip" stores the good rows.
        check_units: refuse rows that look about 1000x off.
        uploader, source: who sends what, for the list of uploads.
        api_key_id: of the key that may undo it; None leaves that to administrators.
    """

    dry_run: bool = False
    on_error: Literal["abort", "skip"] = "abort"
    check_units: bool = True
    uploader: str = ""
    source: str = ""
    api_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What an upload did, or would have done.

    Attributes:
        batch: id of the upload; None where nothing was stored.
        counts: rows inserted, updated and unchanged.
        rejected: number of bad rows left out.
        problems: the first of them.
        predictors: newest predictor of every device and space in the upload that has one.
    """

    batch: str | None
    counts: StoreCounts
    rejected: int
    problems: tuple[RowProblem, ...]
    predictors: tuple[AdaptedPredictor, ...]


def upload_measurements(
    engine: Engine,
    spaces: Mapping[str, SearchSpace],
    candidates: LatencyCandidates,
    file: BinaryIO,
    reader: RowReader,
    options: UploadOptions,
) -> UploadOutcome:
    """Check the file, then store it in one transaction, then adapt the predictors of its devices.

    The file is read twice: checking holds no lock, and memory holds keys and values rather than rows. Should adapting
    fail, the rows are stored and the predictors of before stay in use: the same upload again, which changes no row,
    adapts them, and so does the next one for the device.

    Raises:
        RejectedRowsError: a row is bad and `on_error` is "abort".
        OverloadedError: other uploads to its devices kept coming between its two passes.
        EmptyUploadError, UnreadableUploadError, UploadColumnsError, UploadTooLargeError: the file as a whole is.
    """
    for _ in range(_MAX_REVIEWS):
        check, found = _reviewed(engine, spaces, file, reader, options)
        if found.rejected and options.on_error == "abort":
            raise RejectedRowsError(found.problems, len(found.rejected), found.rows)
        problems = tuple(found.problems)
        if len(found.rejected) == found.rows:
            return UploadOutcome(None, StoreCounts(), found.rows, problems, ())
        rows = (_stored(row) for row in accepted(reader(file), check, found.rejected))
        with session_factory(engine)() as session:
            upload = Measurements(session).begin_upload(options.uploader, options.source, options.api_key_id)
            if not _holds(session, found):
                continue
            counts = Measurements(session).store(upload, rows)
            if options.dry_run:
                foreseen = foresee(session, candidates, found.groups)
                return UploadOutcome(None, counts, len(found.rejected), problems, foreseen)
            session.commit()
        predictors = adapt_each(engine, spaces, candidates, found.groups)
        return UploadOutcome(upload.id, counts, len(found.rejected), problems, predictors)
    raise OverloadedError("uploads of these devices", retry_after_seconds=_RETRY_SECONDS)


def _reviewed(
    engine: Engine, spaces: Mapping[str, SearchSpace], file: BinaryIO, reader: RowReader, options: UploadOptions
) -> tuple[RowCheck, Review]:
    """The first pass over the file. Raises: EmptyUploadError, and what the reader raises."""
    with session_factory(engine, read_only=True)() as session:
        simulated = {device.name: device.kind is DeviceKind.simulated for device in Devices(session).list()}
        check = RowCheck(spaces, simulated)
        found = review(reader(file), check, MAX_ROWS, Conditions(spaces, Measurements(session).conditions))
        if not found.rows:
            raise EmptyUploadError
        if options.check_units:
            _check_units(session, spaces, found)
    found.problems.sort(key=attrgetter("row"))
    return check, found


def _holds(session: Session, found: Review) -> bool:
    """Whether no upload since the review has brought another condition: two could each be the first of a device."""
    stored = Measurements(session).conditions
    return all(stored(*key) == condition for key, condition in found.conditions.items())


def _check_units(session: Session, spaces: Mapping[str, SearchSpace], found: Review) -> None:
    for (device, space), group in found.groups.items():
        architectures = group.architectures
        expected = expect_latency(session, spaces, device, space, architectures)
        faults = unit_faults(group.latency_ms, expected, partial(is_folded, spaces[space], architectures))
        found.reject(
            RowProblem(group.numbers[position], group.lines[position], "latency_ms", reason)
            for position, reason in faults.items()
        )


def _stored(row: CheckedRow) -> MeasurementRow:
    architecture = row.architecture
    return MeasurementRow(
        row.device, architecture.space, architecture.key, row.latency_ms, profile=row.profile, **row.provenance
    )
