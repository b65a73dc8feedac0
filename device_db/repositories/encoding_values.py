"""Encoding values: numbers of architectures that are slow to compute, kept for the configuration they came from."""

import math
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from device_db.models import EncodingValue
from device_db.repositories.statements import among, insert_rows
from device_db.rows import StoreCounts


class EncodingValues:
    """One number for each architecture of a space, encoding and configuration; NaN says that it is undefined."""

    def __init__(self, session: Session):
        self._session = session

    def store(self, space: str, encoding: str, configuration: str, values: Mapping[str, float]) -> StoreCounts:
        """Insert or replace the values (architecture -> number or NaN).

        Raises: ConstraintError for an infinite value.
        """
        stored = self._stored(space, encoding, configuration, list(values))
        same = {"space": space, "encoding": encoding, "configuration": configuration}
        rows = {
            key: {**same, "architecture": key, "value": value}
            for key, number in values.items()
            for value in [None if math.isnan(number) else float(number)]
            if key not in stored or stored[key] != value
        }
        changed = [row for key, row in rows.items() if key in stored]
        if changed:
            self._session.execute(update(EncodingValue), changed)
        insert_rows(self._session, EncodingValue, [row for key, row in rows.items() if key not in stored])
        return StoreCounts(len(rows) - len(changed), len(changed), len(values) - len(rows))

    def lookup(self, space: str, encoding: str, configuration: str, keys: Sequence[str]) -> dict[str, float]:
        """The value of those architectures that have one, NaN where it is known to be undefined."""
        stored = self._stored(space, encoding, configuration, keys)
        return {key: math.nan if value is None else value for key, value in stored.items()}

    def configurations(self, space: str, encoding: str) -> dict[str, int]:
        """How many architectures have a defined value under each configuration that has any."""
        query = (
            select(EncodingValue.configuration, func.count())
            .where(EncodingValue.space == space, EncodingValue.encoding == encoding, EncodingValue.value.is_not(None))
            .group_by(EncodingValue.configuration)
            .order_by(EncodingValue.configuration)
        )
        return dict(self._session.execute(query).all())

    def table(self, space: str, encoding: str, configuration: str) -> dict[str, float]:
        """Every architecture that has a value, with it; those for which it is undefined are left out."""
        query = (
            select(EncodingValue.architecture, EncodingValue.value)
            .where(_of(space, encoding, configuration), EncodingValue.value.is_not(None))
            .order_by(EncodingValue.architecture)
        )
        return {key: value for key, value in self._session.execute(query).all() if value is not None}

    def _stored(self, space: str, encoding: str, configuration: str, keys: Sequence[str]) -> dict[str, float | None]:
        query = select(EncodingValue.architecture, EncodingValue.value).where(
            _of(space, encoding, configuration), among(self._session, EncodingValue.architecture, keys)
        )
        return dict(self._session.execute(query).all())


def _of(space: str, encoding: str, configuration: str) -> ColumnElement[bool]:
    return (
        (EncodingValue.space == space)
        & (EncodingValue.encoding == encoding)
        & (EncodingValue.configuration == configuration)
    )
