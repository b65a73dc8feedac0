"""Errors of the package `device_db`.

DeviceDbError
├── NotFoundError: Device-, Upload-, Artifact-, Model-, Job- and ApiKeyNotFoundError
├── ConflictError: DeviceExistsError, JobStateError, ArchitectureOrderError
├── QueueFullError
├── ImportFormatError
├── UnsupportedDatabaseError
└── DatabaseError: ConstraintError, DatabaseUnavailableError   (translated from SQLAlchemy's, see `database`)
"""

from pathlib import Path


class DeviceDbError(Exception):
    """Base of every error that `device_db` raises on purpose."""


class NotFoundError(DeviceDbError):
    """Something that was named does not exist."""


class DeviceNotFoundError(NotFoundError):
    """No device of that name is registered."""

    def __init__(self, name: str):
        super().__init__(f"unknown device {name!r}")
        self.name = name


class UploadNotFoundError(NotFoundError):
    """No upload has that id, or it has been undone already."""

    def __init__(self, upload_id: str):
        super().__init__(f"unknown upload {upload_id!r}")
        self.upload_id = upload_id


class ArtifactNotFoundError(NotFoundError):
    """The device has no predictor of that version in that space."""

    def __init__(self, device: str, space: str, version: int):
        super().__init__(f"no predictor version {version} of device {device!r} in space {space!r}")
        self.device = device
        self.space = space
        self.version = version


class ModelNotFoundError(NotFoundError):
    """No uploaded model has that hash, or its file was not kept."""

    def __init__(self, key: str, what: str = "model"):
        super().__init__(f"unknown {what} {key!r}")
        self.key = key


class JobNotFoundError(NotFoundError):
    """No job has that id."""

    def __init__(self, job_id: str):
        super().__init__(f"unknown job {job_id!r}")
        self.job_id = job_id


class ApiKeyNotFoundError(NotFoundError):
    """No API key has that id."""

    def __init__(self, key_id: str):
        super().__init__(f"unknown API key {key_id!r}")
        self.key_id = key_id


class ConflictError(DeviceDbError):
    """The request contradicts what is stored."""


class DeviceExistsError(ConflictError):
    """A device of that name is registered already."""

    def __init__(self, name: str):
        super().__init__(f"device {name!r} exists already")
        self.name = name


class QueueFullError(DeviceDbError):
    """As many jobs are queued as may be."""

    def __init__(self, limit: int):
        super().__init__(f"{limit} jobs are queued, which is as many as may be")
        self.limit = limit


class JobStateError(ConflictError):
    """The job is not running, or another worker runs it."""

    def __init__(self, job_id: str, state: str, worker: str | None):
        super().__init__(f"job {job_id!r} cannot end now: it is {state}" + (f" on {worker!r}" if worker else ""))
        self.job_id = job_id
        self.state = state
        self.worker = worker


class ArchitectureOrderError(ConflictError):
    """An imported order of architectures differs from the stored one or repeats an architecture."""

    def __init__(self, space: str, position: int, reason: str):
        super().__init__(f"order of {space!r} at index {position}: {reason}")
        self.space = space
        self.position = position
        self.reason = reason


class ImportFormatError(DeviceDbError):
    """A file does not have the format that its importer reads."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"cannot import {path}: {reason}")
        self.path = path
        self.reason = reason


class UnsupportedDatabaseError(DeviceDbError):
    """The URL names no database that archcast stores its data in."""

    def __init__(self, reason: str):
        super().__init__(f"{reason}; allowed: sqlite:///FILE and postgresql://...")
        self.reason = reason


class DatabaseError(DeviceDbError):
    """The database refused or failed a statement."""


class ConstraintError(DatabaseError):
    """A row breaks a constraint: wrong range, duplicate key, or unknown reference."""


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached, is locked, or gave up; the same request may succeed later."""
