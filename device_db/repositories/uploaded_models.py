"""Models that users uploaded: only added, each once under the hash of its graph."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from device_db.errors import ModelNotFoundError
from device_db.models import UploadedModel
from device_db.repositories.statements import insert_or_ignore


class UploadedModels:
    """Networks by their hash, in the order of their arrival."""

    def __init__(self, session: Session):
        self._session = session

    def add(
        self,
        key: str,
        name: str,
        document: dict[str, Any],
        *,
        size_bytes: int,
        macs: int,
        params: int,
        content: bytes | None,
        uploader: str,
    ) -> tuple[UploadedModel, bool]:
        """Store a model, unless one of that hash is there; returns the stored one, and whether it is new.

        Args:
            key: hash of its graph, 64 hexadecimal digits.
            document: what was read from the file.
            size_bytes, content: of the file; None where the bytes are not kept.
        """
        row = {
            "hash": key,
            "name": name,
            "document": document,
            "size_bytes": size_bytes,
            "macs": macs,
            "params": params,
            "content": content,
            "uploader": uploader,
        }
        statement = insert_or_ignore(self._session, UploadedModel).values(row).returning(UploadedModel.hash)
        is_new = self._session.scalar(statement) is not None
        return self.get(key), is_new

    def get(self, key: str) -> UploadedModel:
        """The model of that hash. Raises: ModelNotFoundError."""
        model = self._session.scalar(select(UploadedModel).where(UploadedModel.hash == key))
        if model is None:
            raise ModelNotFoundError(key)
        return model

    def document(self, key: str) -> dict[str, Any]:
        """What was read from a model's file. Raises: ModelNotFoundError."""
        document = self._session.scalar(select(UploadedModel.document).where(UploadedModel.hash == key))
        if document is None:
            raise ModelNotFoundError(key)
        return document

    def content(self, key: str) -> bytes:
        """A model's file. Raises: ModelNotFoundError, also where only the document was kept."""
        content = self._session.scalar(select(UploadedModel.content).where(UploadedModel.hash == key))
        if content is None:
            raise ModelNotFoundError(key, "file of model")
        return content

    def keys(self) -> Sequence[str]:
        """Hashes of all models, in the order of their arrival."""
        return self._session.scalars(select(UploadedModel.hash).order_by(UploadedModel.number)).all()

    def list(self, limit: int, after: int = 0) -> Sequence[UploadedModel]:
        """At most `limit` models in the order of their arrival, those with a greater number than `after`."""
        query = select(UploadedModel).where(UploadedModel.number > after).order_by(UploadedModel.number).limit(limit)
        return self._session.scalars(query).all()

    def count(self) -> int:
        """How many there are."""
        return self._session.scalar(select(func.count()).select_from(UploadedModel)) or 0
