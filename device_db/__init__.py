"""What archcast knows of devices, kept in SQLite or PostgreSQL: measurements, accuracies, predictors, jobs and keys.

SQL is written only here. Each repository takes a Session whose transaction the caller owns.
"""

from device_db.database import create_engine, session_factory
from device_db.errors import (
    ApiKeyNotFoundError,
    ArchitectureOrderError,
    ArtifactNotFoundError,
    ConflictError,
    ConstraintError,
    DatabaseError,
    DatabaseUnavailableError,
    DeviceDbError,
    DeviceExistsError,
    DeviceNotFoundError,
    ImportFormatError,
    JobNotFoundError,
    JobStateError,
    NotFoundError,
    UnsupportedDatabaseError,
    UploadNotFoundError,
)
from device_db.models import ApiKey, Artifact, Device, DeviceKind, Job, JobState, Upload
from device_db.repositories import (
    Accuracies,
    ApiKeys,
    ArchitectureIndices,
    Artifacts,
    Devices,
    EncodingValues,
    Jobs,
    Measurements,
)
from device_db.rows import AccuracyCount, MeasurementRow, StoreCounts, UndoCounts

__all__ = [
    "Accuracies",
    "AccuracyCount",
    "ApiKey",
    "ApiKeyNotFoundError",
    "ApiKeys",
    "ArchitectureIndices",
    "ArchitectureOrderError",
    "Artifact",
    "ArtifactNotFoundError",
    "Artifacts",
    "ConflictError",
    "ConstraintError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "Device",
    "DeviceDbError",
    "DeviceExistsError",
    "DeviceKind",
    "DeviceNotFoundError",
    "Devices",
    "EncodingValues",
    "ImportFormatError",
    "Job",
    "JobNotFoundError",
    "JobState",
    "JobStateError",
    "Jobs",
    "MeasurementRow",
    "Measurements",
    "NotFoundError",
    "StoreCounts",
    "UndoCounts",
    "UnsupportedDatabaseError",
    "Upload",
    "UploadNotFoundError",
    "create_engine",
    "session_factory",
]
