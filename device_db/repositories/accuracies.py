"""Accuracies: a table of test accuracies per space and data set."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from device_db.models import Accuracy
from device_db.repositories.statements import among, insert_rows, lock_for_transaction
from device_db.rows import AccuracyCount, StoreCounts

_STORE_LOCK = 0x61636375  # "accu": any number that is ours alone


class Accuracies:
    """Test accuracies in per cent."""

    def __init__(self, session: Session):
        self._session = session

    def store(self, space: str, dataset: str, values: Mapping[str, float], source: str) -> StoreCounts:
        """Insert or replace the accuracies (architecture -> per cent), one transaction after the other.

        Raises: ConstraintError for a value outside 0..100.
        """
        lock_for_transaction(self._session, _STORE_LOCK)
        query = select(Accuracy.architecture, Accuracy.value, Accuracy.source).where(
            _of(space, dataset), among(self._session, Accuracy.architecture, values.keys())
        )
        stored = {key: (value, source) for key, value, source in self._session.execute(query)}
        rows = {
            key: {"space": space, "dataset": dataset, "architecture": key, "value": value, "source": source}
            for key, value in values.items()
            if stored.get(key) != (value, source)
        }
        changed = [row for key, row in rows.items() if key in stored]
        if changed:
            self._session.execute(update(Accuracy), changed)
        insert_rows(self._session, Accuracy, [row for key, row in rows.items() if key not in stored])
        return StoreCounts(len(rows) - len(changed), len(changed), len(values) - len(rows))

    def lookup(self, space: str, dataset: str, keys: Sequence[str]) -> dict[str, float]:
        """Accuracy of those architectures that have one."""
        query = select(Accuracy.architecture, Accuracy.value).where(
            _of(space, dataset), among(self._session, Accuracy.architecture, keys)
        )
        return dict(self._session.execute(query).all())

    def table(self, space: str, dataset: str) -> tuple[list[str], NDArray[np.float64]]:
        """Every architecture with an accuracy, sorted, and the accuracies (n,) in per cent."""
        query = select(Accuracy.architecture, Accuracy.value).where(_of(space, dataset)).order_by(Accuracy.architecture)
        pairs = self._session.execute(query).all()
        return [key for key, _ in pairs], np.array([value for _, value in pairs], dtype=np.float64)

    def counts(self) -> list[AccuracyCount]:
        """How many accuracies there are of each space, data set and source, in that order."""
        columns = (Accuracy.space, Accuracy.dataset, Accuracy.source)
        query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
        return [AccuracyCount(*row) for row in self._session.execute(query)]

    def remove(self, space: str, dataset: str) -> int:
        """Remove a whole table; returns how many accuracies it had."""
        removed = self._session.scalars(
            delete(Accuracy)
            .where(_of(space, dataset))
            .returning(Accuracy.architecture)
            .execution_options(synchronize_session=False)
        )
        return len(removed.all())

    def datasets(self, space: str) -> list[str]:
        """Data sets with accuracies in the space, sorted."""
        query = select(Accuracy.dataset).where(Accuracy.space == space).distinct().order_by(Accuracy.dataset)
        return list(self._session.scalars(query))


def _of(space: str, dataset: str) -> ColumnElement[bool]:
    return (Accuracy.space == space) & (Accuracy.dataset == dataset)
