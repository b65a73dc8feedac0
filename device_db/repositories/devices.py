"""Devices: the named targets."""

import builtins
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from device_db.errors import DeviceExistsError, DeviceNotFoundError
from device_db.models import Device, DeviceKind, Measurement
from device_db.repositories.statements import insert_or_ignore


class Devices:
    """Registered devices. Names are unique and case-sensitive."""

    def __init__(self, session: Session):
        self._session = session

    def add(
        self,
        name: str,
        kind: DeviceKind,
        description: str = "",
        target: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Device:
        """Register a device.

        Args:
            name: not empty.
            kind: where its costs come from.
            description: for people.
            target: name of the code that computes the costs of a simulated device.
            config: that code's parameters.

        Raises: DeviceExistsError.
        """
        row = {"name": name, "kind": kind, "description": description, "target": target, "config": dict(config or {})}
        device = self._session.scalar(insert_or_ignore(self._session, Device).values(row).returning(Device))
        if device is None:
            raise DeviceExistsError(name)
        return device

    def add_missing(self, descriptions: Mapping[str, str], kind: DeviceKind = DeviceKind.measured) -> int:
        """Register those of the devices (name -> description) that do not exist; returns how many did not."""
        if not descriptions:
            return 0
        rows = [
            {"name": name, "kind": kind, "description": description, "config": {}}
            for name, description in sorted(descriptions.items())
        ]
        statement = insert_or_ignore(self._session, Device).values(rows).returning(Device.id)
        return len(self._session.scalars(statement).all())

    def get(self, name: str) -> Device:
        """The device of that name. Raises: DeviceNotFoundError."""
        device = self._session.scalar(select(Device).where(Device.name == name))
        if device is None:
            raise DeviceNotFoundError(name)
        return device

    def list(self, kind: DeviceKind | None = None, space: str | None = None) -> builtins.list[Device]:
        """Devices by name; of one kind, or only those with a current measurement in `space`."""
        query = select(Device).order_by(Device.name)
        if kind is not None:
            query = query.where(Device.kind == kind)
        if space is not None:
            measured = (Measurement.device_id == Device.id, Measurement.space == space, Measurement.is_current)
            query = query.where(exists().where(*measured))
        return list(self._session.scalars(query))

    def samples(self, name: str, space: str) -> int:
        """Current latencies of the device in the space."""
        return self.counts([name]).get(name, {}).get(space, 0)

    def counts(self, names: Collection[str] | None = None, metric: str = "latency_ms") -> dict[str, dict[str, int]]:
        """Current measurements of `metric` by device and space; devices without any are left out."""
        query = (
            select(Device.name, Measurement.space, func.count())
            .join(Measurement, Measurement.device_id == Device.id)
            .where(Measurement.is_current, Measurement.metric == metric)
            .group_by(Device.name, Measurement.space)
            .order_by(Device.name, Measurement.space)
        )
        if names is not None:
            query = query.where(Device.name.in_(names))
        counts: dict[str, dict[str, int]] = {}
        for device, space, count in self._session.execute(query):
            counts.setdefault(device, {})[space] = count
        return counts
