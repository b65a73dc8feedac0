from typing import Any

import pytest
from sqlalchemy.exc import InvalidRequestError

from device_db import ConstraintError, ModelNotFoundError, UploadedModels

KEYS = ["b" * 64, "a" * 64, "c" * 64]


def add(session: Any, key: str, **changes: Any) -> tuple[Any, bool]:
    facts = {"size_bytes": 10, "macs": 2**55, "params": 7, "content": b"\0onnx", "uploader": "somebody"}
    return UploadedModels(session).add(key, "net", {"layers": [1]}, **(facts | changes))


def test_model_is_stored_once_under_its_hash(session):
    first, is_new = add(session, KEYS[0])
    again, is_new_again = add(session, KEYS[0], size_bytes=99, uploader="another")
    assert (is_new, is_new_again) == (True, False)
    assert (again.number, again.size_bytes, again.uploader) == (first.number, 10, "somebody")
    assert (again.macs, again.name) == (2**55, "net")


def test_document_and_content_are_loaded_on_their_own(session):
    model, _ = add(session, KEYS[0])
    models = UploadedModels(session)
    assert models.document(KEYS[0]) == {"layers": [1]}
    assert models.content(KEYS[0]) == b"\0onnx"
    session.expire_all()
    for attribute in ("document", "content"):
        with pytest.raises(InvalidRequestError):
            getattr(model, attribute)


def test_models_are_listed_in_the_order_of_arrival_a_page_at_a_time(session):
    for key in KEYS:
        add(session, key)
    models = UploadedModels(session)
    assert (list(models.keys()), models.count()) == (KEYS, 3)
    page = models.list(2)
    assert [model.hash for model in page] == KEYS[:2]
    assert [model.hash for model in models.list(2, after=page[-1].number)] == KEYS[2:]


def test_unknown_model_and_file_that_was_not_kept_are_not_found(session):
    add(session, KEYS[0], content=None)
    models = UploadedModels(session)
    for call in (models.get, models.document, models.content):
        with pytest.raises(ModelNotFoundError):
            call(KEYS[1])
    with pytest.raises(ModelNotFoundError, match="file"):
        models.content(KEYS[0])


def test_hash_that_is_none_breaks_a_constraint(session):
    with pytest.raises(ConstraintError):
        add(session, "short")
