"""Uploaded models as the space `onnx` reads them: from the database, each parsed once while it is in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, cast

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from device_db import ModelNotFoundError, UploadedModels, session_factory
from spaces.onnx_model import ImportedModel

_KEPT: Final = 512


class StoredModels:
    """A `ModelStore` with the least recently used models in memory; a hash never changes its meaning."""

    def __init__(self, read_sessions: sessionmaker[Session]):
        self._read_sessions = read_sessions
        self._models: OrderedDict[str, ImportedModel] = OrderedDict()
        self._lock = threading.Lock()

    def keys(self) -> Sequence[str]:
        """Hashes of all models, in the order of their arrival."""
        with self._read_sessions() as session:
            return UploadedModels(session).keys()

    def get(self, key: str) -> ImportedModel | None:
        """The model of that hash, if it is there."""
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                return self._models[key]
        try:
            with self._read_sessions() as session:
                model = ImportedModel.from_json(UploadedModels(session).document(key))
        except ModelNotFoundError:
            return None
        with self._lock:
            self._models[key] = model
            while len(self._models) > _KEPT:
                self._models.popitem(last=False)
        return model


def stored_models(session: Session) -> StoredModels:
    """The models in the database that a session works on; they outlive the session."""
    return StoredModels(session_factory(cast(Engine, session.get_bind()), read_only=True))
