"""Tell which models were uploaded, and what one of them is made of."""

from __future__ import annotations

from sqlalchemy.orm import Session

from device_db import UploadedModels
from service.schemas.models import ModelAnswer, ModelList, summary
from spaces.onnx_model import ImportedModel


def list_models(session: Session, limit: int, after: int = 0) -> ModelList:
    """A page of models in the order of their arrival."""
    found = UploadedModels(session).list(limit + 1, after)
    page = found[:limit]
    return ModelList(
        models=[summary(model) for model in page], next=page[-1].number if len(found) > limit and page else None
    )


def describe_model(session: Session, key: str) -> ModelAnswer:
    """One model with its layers. Raises: ModelNotFoundError."""
    models = UploadedModels(session)
    return ModelAnswer.of(models.get(key), ImportedModel.from_json(models.document(key)))
