"""Measurements: append-only, stored by upload, and undone by upload."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, delete, func, not_, select, update
from sqlalchemy.orm import Session, aliased

from device_db.errors import UploadNotFoundError
from device_db.models import Device, MeasuredLayers, Measurement, Upload
from device_db.repositories.statements import (
    among,
    chunked,
    device_id,
    device_ids,
    insert_rows,
    lock_for_transaction,
)
from device_db.rows import LayerProfile, MeasurementRow, StoreCounts, UndoCounts

_UPLOAD_LOCK = 0x61726368  # "arch": any number that is ours alone

_FACTS = (
    "value",
    "unit",
    "statistic",
    "runs",
    "batch_size",
    "precision",
    "runtime",
    "runtime_version",
    "input_shape",
    "measured_at",
)
_CONDITION = ("batch_size", "precision", "input_shape")
_facts_of = attrgetter(*_FACTS)

_Series = tuple[int, str, str]  # device id, space, metric
_Key = tuple[_Series, str]  # and architecture


class _Known(NamedTuple):
    """The current row of a key: stored under `id`, or still among the new `record`s."""

    facts: tuple[Any, ...]
    profile: LayerProfile | None
    id: int | None
    record: dict[str, Any] | None


class Measurements:
    """Observed costs. Of the rows for one (device, space, metric, architecture) exactly one is current: the newest.

    Uploads happen one after the other, also on PostgreSQL: `begin_upload` and `undo` wait for the transaction of the
    one before, and so does `lock_uploads` for what must not run beside one.
    """

    def __init__(self, session: Session):
        self._session = session

    def lock_uploads(self) -> None:
        """Keep uploads and their undoing out until the transaction ends, and wait for the one at work."""
        lock_for_transaction(self._session, _UPLOAD_LOCK)

    def begin_upload(self, uploader: str, source: str, api_key_id: str | None = None) -> Upload:
        """Open a batch; its `id` is what `undo` takes.

        Args: api_key_id: of the key that it was sent with, if any.
        """
        self.lock_uploads()
        upload = Upload(id=str(uuid4()), uploader=uploader, api_key_id=api_key_id, source=source)
        self._session.add(upload)
        self._session.flush()
        return upload

    def store(self, upload: Upload, rows: Iterable[MeasurementRow], chunk: int = 5000) -> StoreCounts:
        """Store rows in their order; an equal row changes nothing, a different one takes the place of the current one.

        Args:
            upload: the batch they belong to.
            rows: read once, `chunk` at a time.

        Raises: DeviceNotFoundError; ConstraintError for a value or a unit out of range. Some rows are then stored
            already: roll back.
        """
        counts = StoreCounts()
        for part in chunked(rows, chunk):
            counts += self._store_chunk(upload.number, part)
        upload.inserted += counts.inserted
        upload.updated += counts.updated
        upload.unchanged += counts.unchanged
        self._session.flush()
        return counts

    def undo(self, upload_id: str) -> UndoCounts:
        """Remove an upload and its rows; where one was current, the newest remaining row becomes current again.

        Raises: UploadNotFoundError.
        """
        self.lock_uploads()
        number = self.upload(upload_id).number
        restored = self._shadowed_by(number)
        removed = self._session.execute(
            delete(Measurement)
            .where(Measurement.upload_number == number)
            .returning(Measurement.id)
            .execution_options(synchronize_session=False)
        )
        removed_count = len(removed.all())
        self._mark(restored, is_current=True)
        self._session.execute(delete(Upload).where(Upload.number == number))
        return UndoCounts(removed_count, len(restored))

    def latencies(self, device: str, space: str, metric: str = "latency_ms") -> tuple[list[str], NDArray[np.float64]]:
        """Everything measured on a device in a space.

        Returns: architectures, sorted, and their values (n,) in the metric's unit.
        Raises: DeviceNotFoundError.
        """
        series = (device_id(self._session, device), space, metric)
        query = _of(series).with_only_columns(Measurement.architecture, Measurement.value)
        pairs = self._session.execute(query.order_by(Measurement.architecture)).all()
        return [key for key, _ in pairs], np.array([value for _, value in pairs], dtype=np.float64)

    def profiles(
        self, device: str, space: str, keys: Sequence[str], metric: str = "latency_ms"
    ) -> dict[str, LayerProfile]:
        """How the latencies of those architectures divide among layers, where that is known.

        Raises: DeviceNotFoundError.
        """
        series = (device_id(self._session, device), space, metric)
        query = (
            _of(series)
            .join(MeasuredLayers, MeasuredLayers.measurement_id == Measurement.id)
            .with_only_columns(Measurement.architecture, MeasuredLayers.layers, MeasuredLayers.layer_ms)
            .where(among(self._session, Measurement.architecture, keys))
        )
        return {key: LayerProfile(layers, tuple(took)) for key, layers, took in self._session.execute(query)}

    def revision(self, device: str, metric: str = "latency_ms") -> tuple[int, int]:
        """How many current measurements a device has in all spaces, and the number of the newest: changes with them.

        Raises: DeviceNotFoundError.
        """
        wanted = (
            Measurement.device_id == device_id(self._session, device),
            Measurement.metric == metric,
            Measurement.is_current,
        )
        query = select(func.count(), func.coalesce(func.max(Measurement.id), 0)).where(*wanted)
        count, newest = self._session.execute(query).one()
        return count, newest

    def conditions(self, device: str, space: str, metric: str = "latency_ms") -> dict[str, frozenset[int | str]]:
        """Under which batch sizes, precisions and input shapes a device was measured in a space, where that is known.

        Raises: DeviceNotFoundError.
        """
        series = (device_id(self._session, device), space, metric)
        columns = [getattr(Measurement, name) for name in _CONDITION]
        found = self._session.execute(_of(series).with_only_columns(*columns).distinct()).all()
        return {
            name: frozenset(value for value in values if value)
            for name, values in zip(_CONDITION, zip(*found, strict=True), strict=False)
        }

    def lookup(self, device: str, space: str, keys: Sequence[str], metric: str = "latency_ms") -> dict[str, float]:
        """The values of those architectures that have been measured. Raises: DeviceNotFoundError."""
        series = (device_id(self._session, device), space, metric)
        query = _of(series).with_only_columns(Measurement.architecture, Measurement.value)
        return dict(self._session.execute(query.where(among(self._session, Measurement.architecture, keys))).all())

    def series(self, upload_id: str) -> list[tuple[str, str]]:
        """Devices and spaces that an upload has rows of, sorted. Raises: UploadNotFoundError."""
        query = (
            select(Device.name, Measurement.space)
            .join(Measurement, Measurement.device_id == Device.id)
            .where(Measurement.upload_number == self.upload(upload_id).number)
            .distinct()
            .order_by(Device.name, Measurement.space)
        )
        return [(device, space) for device, space in self._session.execute(query)]

    def upload(self, upload_id: str) -> Upload:
        """Who uploaded a batch, when and how many rows. Raises: UploadNotFoundError."""
        upload = self._session.scalar(select(Upload).where(Upload.id == upload_id))
        if upload is None:
            raise UploadNotFoundError(upload_id)
        return upload

    def list_uploads(self) -> list[Upload]:
        """Every upload that has not been undone, the newest first."""
        return list(self._session.scalars(select(Upload).order_by(Upload.number.desc())))

    def _store_chunk(self, upload_number: int, rows: list[MeasurementRow]) -> StoreCounts:
        ids = device_ids(self._session, (row.device for row in rows))
        keys: list[_Key] = [((ids[row.device], row.space, row.metric), row.architecture) for row in rows]
        current = self._known(keys)
        new: list[dict[str, Any]] = []
        superseded: list[int] = []
        inserted = 0
        for key, row in zip(keys, rows, strict=True):
            facts = _facts_of(row)
            known = current.get(key)
            if known is None:
                inserted += 1
            elif known.facts == facts and row.profile in (None, known.profile):
                continue
            elif known.record is not None:
                known.record["is_current"] = False
            elif known.id is not None:
                superseded.append(known.id)
            record = _record(upload_number, key, facts)
            new.append(record)
            current[key] = _Known(facts, row.profile, None, record)
        self._mark(superseded, is_current=False)
        insert_rows(self._session, Measurement, new)
        profiles = {key: one.profile for key, one in current.items() if one.record is not None and one.profile}
        self._store_profiles(upload_number, profiles)
        return StoreCounts(inserted, len(new) - inserted, len(rows) - len(new))

    def _store_profiles(self, upload_number: int, profiles: dict[_Key, LayerProfile]) -> None:
        """Keep the profiles of rows that the upload has just brought."""
        architectures = _by_series(profiles)
        rows: list[dict[str, Any]] = []
        for series, wanted in architectures.items():
            query = (
                _of(series)
                .with_only_columns(Measurement.id, Measurement.architecture)
                .where(Measurement.upload_number == upload_number)
                .where(among(self._session, Measurement.architecture, wanted))
            )
            for row_id, architecture in self._session.execute(query):
                profile = profiles[series, architecture]
                rows.append({"measurement_id": row_id, "layers": profile.layers, "layer_ms": list(profile.layer_ms)})
        insert_rows(self._session, MeasuredLayers, rows)

    def _known(self, keys: list[_Key]) -> dict[_Key, _Known]:
        """The stored current rows of the keys."""
        architectures = _by_series(keys)
        columns = (
            *(Measurement.id, Measurement.architecture, MeasuredLayers.layers, MeasuredLayers.layer_ms),
            *(getattr(Measurement, name) for name in _FACTS),
        )
        known: dict[_Key, _Known] = {}
        for series, wanted in architectures.items():
            query = (
                _of(series)
                .outerjoin(MeasuredLayers, MeasuredLayers.measurement_id == Measurement.id)
                .with_only_columns(*columns)
                .where(among(self._session, Measurement.architecture, wanted))
            )
            for row_id, architecture, layers, layer_ms, *facts in self._session.execute(query):
                profile = LayerProfile(layers, tuple(layer_ms)) if layers is not None else None
                known[series, architecture] = _Known(tuple(facts), profile, row_id, None)
        return known

    def _shadowed_by(self, upload_number: int) -> list[int]:
        """Rows that become current when the upload goes: the newest older row of each key that it holds."""
        gone, older = aliased(Measurement), aliased(Measurement)
        query = (
            select(func.max(older.id))
            .join_from(
                gone,
                older,
                (older.device_id == gone.device_id)
                & (older.space == gone.space)
                & (older.metric == gone.metric)
                & (older.architecture == gone.architecture),
            )
            .where(gone.upload_number == upload_number, gone.is_current)
            .where(older.upload_number != upload_number, not_(older.is_current))
            .group_by(gone.id)
        )
        return list(self._session.scalars(query))

    def _mark(self, ids: list[int], *, is_current: bool) -> None:
        if ids:
            self._session.execute(
                update(Measurement)
                .where(among(self._session, Measurement.id, ids))
                .values(is_current=is_current)
                .execution_options(synchronize_session=False)
            )


def _of(series: _Series) -> Select[Any]:
    """The current rows of a series."""
    device, space, metric = series
    return select(Measurement).where(
        Measurement.device_id == device,
        Measurement.space == space,
        Measurement.metric == metric,
        Measurement.is_current,
    )


def _by_series(keys: Iterable[_Key]) -> dict[_Series, set[str]]:
    """Architectures of each series."""
    architectures: dict[_Series, set[str]] = {}
    for series, architecture in keys:
        architectures.setdefault(series, set()).add(architecture)
    return architectures


def _record(upload_number: int, key: _Key, facts: tuple[Any, ...]) -> dict[str, Any]:
    (device, space, metric), architecture = key
    record: dict[str, Any] = dict(zip(_FACTS, facts, strict=True))
    record["device_id"] = device
    record["upload_number"] = upload_number
    record["space"] = space
    record["architecture"] = architecture
    record["metric"] = metric
    record["is_current"] = True
    return record
