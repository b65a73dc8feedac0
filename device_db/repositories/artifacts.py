"""Artifacts: the fitted predictors, versioned by device and space."""

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session, contains_eager

from device_db.column_types import utc_now
from device_db.errors import ArtifactNotFoundError
from device_db.models import Artifact, Device
from device_db.repositories.statements import device_id


class Artifacts:
    """Fitted predictors. What is returned has `artifact.device` loaded and no blob; `load_blob` fetches it."""

    def __init__(self, session: Session):
        self._session = session

    def add(
        self, device: str, space: str, predictor: str, samples: int, blob: bytes, manifest: Mapping[str, Any]
    ) -> Artifact:
        """Store a predictor under the next version of its device and space, starting at 1.

        Args:
            predictor: name of the kind of predictor.
            samples: measurements that it was fitted on.
            blob: the predictor itself.
            manifest: how it came about: seed, versions, data hash, ...

        Raises: DeviceNotFoundError.
        """
        key = device_id(self._session, device, lock=True)  # so that two fits do not take the same version
        last = self._session.scalar(
            select(func.max(Artifact.version)).where(Artifact.device_id == key, Artifact.space == space)
        )
        artifact = Artifact(
            device_id=key,
            space=space,
            version=(last or 0) + 1,
            predictor=predictor,
            samples=samples,
            blob=blob,
            manifest=dict(manifest),
        )
        self._session.add(artifact)
        self._session.flush()
        return self.get(device, space, artifact.version)

    def latest(self, device: str, space: str) -> Artifact | None:
        """The newest predictor in use."""
        query = _of(device, space).where(Artifact.retired_at.is_(None)).order_by(Artifact.version.desc())
        return self._session.scalar(query.limit(1))

    def latest_version(self, device: str, space: str) -> int | None:
        """Version of the newest predictor in use: one indexed look-up, to tell whether a cached one is still good."""
        return self._session.scalar(
            select(func.max(Artifact.version))
            .join(Device, Device.id == Artifact.device_id)
            .where(Device.name == device, Artifact.space == space, Artifact.retired_at.is_(None))
        )

    def retire(self, device: str, space: str) -> int:
        """Take every version out of use, because the samples are gone; returns how many were in use.

        They stay readable by `get`, and their version numbers are not given again.

        Raises: DeviceNotFoundError.
        """
        key = device_id(self._session, device, lock=True)
        retired = self._session.scalars(
            update(Artifact)
            .where(Artifact.device_id == key, Artifact.space == space, Artifact.retired_at.is_(None))
            .values(retired_at=utc_now())
            .returning(Artifact.id)
            .execution_options(synchronize_session="fetch")
        )
        return len(retired.all())

    def versions(self, device: str, space: str) -> builtins.list[int]:
        """Every version that can be read, in use or not, ascending."""
        query = (
            select(Artifact.version)
            .join(Device, Device.id == Artifact.device_id)
            .where(Device.name == device, Artifact.space == space)
            .order_by(Artifact.version)
        )
        return builtins.list(self._session.scalars(query))

    def prune(self, keep: int, created_before: datetime) -> int:
        """Remove versions from before a time, but never the `keep` newest of a device and space; returns how many.

        With at least one kept, no version number is given again.
        """
        newness = func.row_number().over(
            partition_by=(Artifact.device_id, Artifact.space), order_by=Artifact.version.desc()
        )
        ranked = select(Artifact.id, newness.label("newness")).subquery()
        removed = self._session.scalars(
            delete(Artifact)
            .where(Artifact.created_at < created_before)
            .where(Artifact.id.in_(select(ranked.c.id).where(ranked.c.newness > max(keep, 1))))
            .returning(Artifact.id)
            .execution_options(synchronize_session=False)
        )
        return len(removed.all())

    def get(self, device: str, space: str, version: int) -> Artifact:
        """One version. Raises: ArtifactNotFoundError."""
        artifact = self._session.scalar(
            _of(device, space).where(Artifact.version == version).execution_options(populate_existing=True)
        )
        if artifact is None:
            raise ArtifactNotFoundError(device, space, version)
        return artifact

    def load_blob(self, artifact: Artifact) -> bytes:
        """The predictor itself. Raises: ArtifactNotFoundError if it has been removed."""
        blob = self._session.scalar(select(Artifact.blob).where(Artifact.id == artifact.id))
        if blob is None:
            raise ArtifactNotFoundError(artifact.device.name, artifact.space, artifact.version)
        return blob

    def list(self, space: str) -> builtins.list[Artifact]:
        """The newest predictor in use of each device in the space, by device name."""
        newest = (
            select(func.max(Artifact.id))
            .where(Artifact.space == space, Artifact.retired_at.is_(None))
            .group_by(Artifact.device_id)
            .scalar_subquery()
        )
        return list(self._session.scalars(_with_device().where(Artifact.id.in_(newest)).order_by(Device.name)))


def _with_device() -> Select[Artifact]:
    return select(Artifact).join(Artifact.device).options(contains_eager(Artifact.device))


def _of(device: str, space: str) -> Select[Artifact]:
    return _with_device().where(Device.name == device, Artifact.space == space)
