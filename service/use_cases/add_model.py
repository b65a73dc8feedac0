"""Read an uploaded ONNX model and keep it under the hash of its graph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.orm import Session, sessionmaker

from device_db import UploadedModels
from service.errors import FieldError, InvalidRequestError
from service.schemas.models import ModelAnswer
from service.settings import Settings
from spaces.onnx_model import ImportedModel, Limits, import_apart

_BINDING: Final = re.compile(r"(.+)=([0-9]{1,10})", re.DOTALL)


def add_model(
    sessions: sessionmaker[Session], settings: Settings, content: bytes, bindings: Sequence[str], uploader: str
) -> tuple[ModelAnswer, bool]:
    """The stored model, and whether it is new; the file is read before the transaction that stores it.

    Args: bindings: `name=number` for each dynamic dimension.
    Raises: ModelRefusedError and its kinds; InvalidRequestError for a binding of another form.
    """
    model = import_apart(content, parse_bindings(bindings), limits_of(settings))
    with sessions.begin() as session:
        return store_model(session, settings, content, model, uploader)


def store_model(
    session: Session, settings: Settings, content: bytes, model: ImportedModel, uploader: str
) -> tuple[ModelAnswer, bool]:
    """Keep an imported model, and its file where that is small enough."""
    workload = model.workload
    stored, is_new = UploadedModels(session).add(
        model.key,
        model.name,
        model.to_json(),
        size_bytes=len(content),
        macs=workload.macs,
        params=workload.params,
        content=content if len(content) <= settings.max_kept_model_size else None,
        uploader=uploader,
    )
    if not is_new:  # names in the answer are those of the file that came first
        model = ImportedModel.from_json(UploadedModels(session).document(model.key))
    return ModelAnswer.of(stored, model), is_new


def parse_bindings(bindings: Sequence[str]) -> Mapping[str, int]:
    """Dimension by name. Raises: InvalidRequestError for what is not `name=number`."""
    parsed: dict[str, int] = {}
    for binding in bindings:
        match = _BINDING.fullmatch(binding)
        if match is None:
            raise InvalidRequestError([FieldError(f"{binding[:60]!r} is not name=number", parameter="bind")])
        parsed[match.group(1)] = int(match.group(2))
    return parsed


def limits_of(settings: Settings) -> Limits:
    """What a deployment lets an upload take."""
    return Limits(
        size_bytes=settings.max_model_size,
        nodes=settings.max_model_nodes,
        wall_s=settings.model_import_seconds,
        memory_bytes=settings.model_import_memory,
    )
