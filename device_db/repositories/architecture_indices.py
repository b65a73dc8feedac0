"""ArchitectureIndices: in which order a benchmark numbers the architectures of a space."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_db.errors import ArchitectureOrderError
from device_db.models import ArchitectureIndex
from device_db.repositories.statements import insert_rows


class ArchitectureIndices:
    """Benchmark orders. An order is upstream's fixed data: once stored, only the same one is accepted again."""

    def __init__(self, session: Session):
        self._session = session

    def store(self, space: str, keys: Sequence[str]) -> bool:
        """Store the order, index 0 first; returns whether it was new. Raises: ArchitectureOrderError."""
        keys = list(keys)
        stored = self.order(space)
        if stored is not None:
            _check_same(space, stored, keys)
            return False
        _check_distinct(space, keys)
        rows = [
            {"space": space, "position": position, "architecture": architecture}
            for position, architecture in enumerate(keys)
        ]
        insert_rows(self._session, ArchitectureIndex, rows)
        return True

    def order(self, space: str) -> list[str] | None:
        """Architectures by index, or None before an import."""
        query = (
            select(ArchitectureIndex.architecture)
            .where(ArchitectureIndex.space == space)
            .order_by(ArchitectureIndex.position)
        )
        return list(self._session.scalars(query)) or None


def _check_same(space: str, stored: list[str], given: list[str]) -> None:
    for position, (old, new) in enumerate(zip(stored, given, strict=False)):
        if old != new:
            raise ArchitectureOrderError(space, position, f"{new!r} given, but {old!r} is stored")
    if len(stored) != len(given):
        shorter = min(len(stored), len(given))
        raise ArchitectureOrderError(space, shorter, f"{len(given)} architectures given, but {len(stored)} are stored")


def _check_distinct(space: str, keys: list[str]) -> None:
    first: dict[str, int] = {}
    for position, key in enumerate(keys):
        if first.setdefault(key, position) != position:
            raise ArchitectureOrderError(space, position, f"{key!r} has index {first[key]} already")
