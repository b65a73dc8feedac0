"""Tables. Spaces and architectures are plain strings here: a space's name and a canonical architecture."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    UniqueConstraint,
    not_,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from device_db.column_types import Json, RowId, Text, UtcDateTime, utc_now


class DeviceKind(StrEnum):
    """Where a device's costs come from."""

    measured = "measured"
    simulated = "simulated"
    onnx = "onnx"


class JobState(StrEnum):
    """Life of a job: queued -> running -> one of the other three."""

    queued = "queued"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"


def _enum(kind: type[StrEnum], name: str) -> Enum:
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    """Metadata and type map of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own declaration has no ClassVar)
        str: Text,
        float: Double(),
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[str]: Json,
        list[float]: Json,
        DeviceKind: _enum(DeviceKind, "kind"),
        JobState: _enum(JobState, "state"),
    }


class Device(Base):
    """A named target: measured, simulated or ONNX-derived."""

    __tablename__ = "devices"
    __table_args__ = (CheckConstraint("length(name) > 0", name="name_given"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[DeviceKind]
    description: Mapped[str]
    target: Mapped[str | None]
    config: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Upload(Base):
    """One batch of measurements that arrived together and can be undone together.

    `id` is the public batch id; `number` counts uploads in the order of their arrival and keeps measurements narrow.
    `uploader` is for people to read; `api_key_id` says whose the upload is, and nobody's without one.
    """

    __tablename__ = "uploads"

    number: Mapped[int] = mapped_column(RowId, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    uploader: Mapped[str]
    api_key_id: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id"))
    source: Mapped[str]
    inserted: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Measurement(Base):
    """One observed cost with its provenance. Rows are only added; `is_current` marks the one that counts."""

    __tablename__ = "measurements"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number"), index=True)
    space: Mapped[str]
    architecture: Mapped[str]
    metric: Mapped[str]
    value: Mapped[float]
    unit: Mapped[str]
    statistic: Mapped[str]
    runs: Mapped[int | None]
    batch_size: Mapped[int | None]
    precision: Mapped[str]
    runtime: Mapped[str]
    runtime_version: Mapped[str]
    input_shape: Mapped[str]
    measured_at: Mapped[datetime | None]
    is_current: Mapped[bool]

    __table_args__ = (
        # The upper bound also refuses PostgreSQL's NaN and Infinity, which compare greater than every number.
        CheckConstraint("value > 0 AND value < 1e300", name="value_positive"),
        CheckConstraint("metric <> 'latency_ms' OR unit = 'ms'", name="latency_unit"),
        CheckConstraint("metric <> 'energy_mj' OR unit = 'mJ'", name="energy_unit"),
        CheckConstraint("runs > 0", name="runs_positive"),
        CheckConstraint("batch_size > 0", name="batch_size_positive"),
    )


class MeasuredLayers(Base):
    """How a measured latency divides among the network's layers; gone with the measurement.

    `layers` is a digest of the layers that `layer_ms` has numbers of, in their order.
    """

    __tablename__ = "measured_layers"
    __table_args__ = (CheckConstraint("length(layers) = 16", name="layers_digest"),)

    measurement_id: Mapped[int] = mapped_column(
        ForeignKey("measurements.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    layers: Mapped[str]
    layer_ms: Mapped[list[float]]


_MEASUREMENT_KEY = (Measurement.device_id, Measurement.space, Measurement.metric, Measurement.architecture)
Index(
    "uq_measurements_current",
    *_MEASUREMENT_KEY,
    unique=True,
    sqlite_where=text("is_current = 1"),  # as SQLAlchemy writes it in queries, or SQLite does not use the index
    postgresql_where=Measurement.is_current,
)
Index(
    "ix_measurements_superseded",
    *_MEASUREMENT_KEY,
    sqlite_where=not_(Measurement.is_current),
    postgresql_where=not_(Measurement.is_current),
)


class Accuracy(Base):
    """Test accuracy of one architecture on one data set, in per cent."""

    __tablename__ = "accuracies"
    __table_args__ = (CheckConstraint("value >= 0 AND value <= 100", name="percent"),)

    space: Mapped[str] = mapped_column(primary_key=True)
    dataset: Mapped[str] = mapped_column(primary_key=True)
    architecture: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    source: Mapped[str]


class EncodingValue(Base):
    """One number of an architecture's encoding, so that what is slow to compute is computed once.

    `configuration` says everything else that the value depends on. No value means that it is undefined.
    """

    __tablename__ = "encoding_values"
    # Also refuses PostgreSQL's NaN and Infinity, which compare greater than every number.
    __table_args__ = (CheckConstraint("value > -1e300 AND value < 1e300", name="value_finite"),)

    space: Mapped[str] = mapped_column(primary_key=True)
    encoding: Mapped[str] = mapped_column(primary_key=True)
    configuration: Mapped[str] = mapped_column(primary_key=True)
    architecture: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]


class ArchitectureIndex(Base):
    """The number that a benchmark gives to an architecture."""

    __tablename__ = "architecture_indices"
    __table_args__ = (
        UniqueConstraint("space", "architecture"),
        CheckConstraint("position >= 0", name="position_natural"),
    )

    space: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    architecture: Mapped[str]


class Artifact(Base):
    """A fitted predictor of one device in one space; `blob` is loaded only by `Artifacts.load_blob`.

    Once the samples that it was fitted on are gone it is retired: readable by its version, but no longer in use.
    """

    __tablename__ = "predictor_artifacts"
    __table_args__ = (
        UniqueConstraint("device_id", "space", "version"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("samples >= 0", name="samples_natural"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    space: Mapped[str]
    version: Mapped[int]
    predictor: Mapped[str]
    samples: Mapped[int]
    manifest: Mapped[dict[str, Any]]
    blob: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    retired_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="raise")


class UploadedModel(Base):
    """A network that a user uploaded as ONNX; never changed, so that its hash stands for it.

    `document` is what was read from the file; `content`, the file itself, is kept only up to a size and loaded only by
    `UploadedModels.content`. `number` counts models in the order of their arrival.
    """

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("length(hash) = 64", name="hash_sha256"),
        CheckConstraint("size_bytes > 0", name="size_positive"),
        CheckConstraint("macs >= 0 AND params >= 0", name="counts_natural"),
    )

    number: Mapped[int] = mapped_column(RowId, primary_key=True)
    hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    macs: Mapped[int] = mapped_column(BigInteger)
    params: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[dict[str, Any]] = mapped_column(deferred=True, deferred_raiseload=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    uploader: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Synthesis(Base):
    """What a tool found out about a circuit, so that no circuit is synthesised twice by the same version of it.

    `circuit` is what the hash stands for, for people to read; `figures` are counts and frequencies by name.
    """

    __tablename__ = "syntheses"
    __table_args__ = (
        CheckConstraint("length(circuit_hash) = 64", name="hash_sha256"),
        CheckConstraint("seconds >= 0 AND seconds < 1e300", name="seconds_natural"),
    )

    circuit_hash: Mapped[str] = mapped_column(primary_key=True)
    flow: Mapped[str] = mapped_column(primary_key=True)
    tool: Mapped[str] = mapped_column(primary_key=True)
    tool_version: Mapped[str] = mapped_column(primary_key=True)
    circuit: Mapped[dict[str, Any]]
    figures: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Job(Base):
    """A piece of work that outlives its request."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[JobState] = mapped_column(default=JobState.queued)
    request: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    worker: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "state", "created_at"),)


class JobCheckpoint(Base):
    """What a running job's next worker goes on from, in the job kind's own form; gone when the job has ended."""

    __tablename__ = "job_checkpoints"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    state: Mapped[bytes] = mapped_column(LargeBinary)


class ApiKey(Base):
    """A bearer token's SHA-256 and what it permits; the token itself is not stored."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    revoked_at: Mapped[datetime | None]
