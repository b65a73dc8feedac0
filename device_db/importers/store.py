"""Stores what an importer read, wholly or not at all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from device_db.importers.benchmark_data import BenchmarkData
from device_db.repositories import Accuracies, ArchitectureIndices, Devices, EncodingValues, Measurements
from device_db.rows import MeasurementRow, StoreCounts

_ROWS_PER_REPORT = 5000

# (rows done, upper bound of the rows to do)
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        upload_id: undoes the measurements; None if there were none to store.
        devices: how many were new.
        orders: the spaces whose order of architectures was new.
        notes: what the importer left out, and why.
    """

    upload_id: str | None
    devices: int
    measurements: StoreCounts
    accuracies: StoreCounts
    encodings: StoreCounts
    orders: tuple[str, ...]
    notes: tuple[str, ...]


def import_benchmark(
    session: Session, data: BenchmarkData, *, uploader: str, on_progress: OnProgress | None = None
) -> ImportReport:
    """Store a benchmark in a savepoint, so that after an error nothing of it is left; the caller commits.

    Importing the same data again changes nothing.

    Args:
        data: from an importer; its measurements are consumed.
        uploader: who imports.
        on_progress: called every few thousand measurements and encoding values.

    Raises: ImportFormatError, ArchitectureOrderError, DatabaseError.
    """
    with session.begin_nested():
        orders = ArchitectureIndices(session)
        accuracies = Accuracies(session)
        new_orders = tuple(space for space, keys in data.orders.items() if orders.store(space, keys))
        accuracy_counts = (
            accuracies.store(table.space, table.dataset, table.values, data.source) for table in data.accuracies
        )
        devices = Devices(session).add_missing(data.devices, data.kind)
        upload_id, measurement_counts = _store_measurements(session, data, uploader, on_progress)
        return ImportReport(
            upload_id=upload_id,
            devices=devices,
            measurements=measurement_counts,
            accuracies=sum(accuracy_counts, StoreCounts()),
            encodings=_store_encodings(session, data, on_progress),
            orders=new_orders,
            notes=data.notes,
        )


def _store_measurements(
    session: Session, data: BenchmarkData, uploader: str, on_progress: OnProgress | None
) -> tuple[str | None, StoreCounts]:
    if data.row_count == 0:
        return None, StoreCounts()
    measurements = Measurements(session)
    upload = measurements.begin_upload(uploader, data.source)
    rows = data.measurements if on_progress is None else _reporting(data.measurements, data.row_count, on_progress)
    return upload.id, measurements.store(upload, rows)


def _store_encodings(session: Session, data: BenchmarkData, on_progress: OnProgress | None) -> StoreCounts:
    counts, repository = StoreCounts(), EncodingValues(session)
    total = sum(len(values) for table in data.encodings for values in table.values.values())
    for table in data.encodings:
        for encoding, values in table.values.items():
            counts += repository.store(table.space, encoding, table.configuration, values)
            if on_progress is not None:
                on_progress(counts.total, total)
    return counts


def _reporting(rows: Iterable[MeasurementRow], total: int, on_progress: OnProgress) -> Iterator[MeasurementRow]:
    done = 0
    for done, row in enumerate(rows, start=1):
        yield row
        if done % _ROWS_PER_REPORT == 0:
            on_progress(done, total)
    on_progress(done, total)
