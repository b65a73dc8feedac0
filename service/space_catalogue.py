"""The search spaces as the running service knows them: with index orders as soon as these are imported."""

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

from sqlalchemy.orm import Session

from device_db import ArchitectureIndices
from service.model_store import stored_models
from spaces import SPACES, InvalidArchitectureError, SearchSpace
from spaces.onnx_model import NAME, OnnxModels


@runtime_checkable
class IndexedSpace(Protocol):
    """A space whose benchmark numbers its architectures; the order is the benchmark's data."""

    def with_index_order(self, keys: Sequence[str]) -> SearchSpace:
        """The same space, able to parse indices."""
        ...


def is_index_ready(space: SearchSpace) -> bool:
    """Whether the space can parse an index."""
    try:
        space.parse(0)
    except InvalidArchitectureError:
        return False
    return True


class SpaceCatalogue:
    """Thread-safe view of `SPACES` and of the models in the database; an order, once found there, stays."""

    def __init__(self) -> None:
        self._spaces: dict[str, SearchSpace] = dict(SPACES)
        self._without_order = {name for name, space in SPACES.items() if isinstance(space, IndexedSpace)}
        self._lock = threading.Lock()

    def current(self, session: Session) -> Mapping[str, SearchSpace]:
        """All spaces by name; asks the database only for orders that no import had brought yet.

        A catalogue belongs to one database: that of the first session.
        """
        if NAME not in self._spaces:
            self._add_models(session)
        for name in tuple(self._without_order):
            order = ArchitectureIndices(session).order(name)
            if order is not None:
                self._adopt(name, order)
        return self._spaces

    def _add_models(self, session: Session) -> None:
        with self._lock:
            if NAME not in self._spaces:
                self._spaces = self._spaces | {NAME: OnnxModels(stored_models(session))}

    def _adopt(self, name: str, order: Sequence[str]) -> None:
        with self._lock:
            if name in self._without_order:
                space = cast(IndexedSpace, self._spaces[name]).with_index_order(order)
                self._spaces = self._spaces | {name: space}
                self._without_order = self._without_order - {name}
