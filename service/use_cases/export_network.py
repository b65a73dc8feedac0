"""Write an architecture as an ONNX file that can be timed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from device_db import UploadedModels
from service.errors import FieldError, InvalidRequestError
from service.lookup import find_space
from spaces import InvalidArchitectureError, SearchSpace
from spaces.base import is_open


def export_network(
    session: Session, spaces: Mapping[str, SearchSpace], space_name: str, notation: str, batch: int
) -> bytes:
    """The file that was uploaded, or one with untrained weights.

    Raises: UnknownSpaceError; InvalidRequestError for no architecture of the space; ModelNotFoundError for an uploaded
        network whose file was not kept.
    """
    space = find_space(spaces, space_name)
    try:
        architecture = space.parse(notation)
    except InvalidArchitectureError as error:
        raise InvalidRequestError([FieldError(str(error), parameter="architecture")]) from error
    if is_open(space):
        return UploadedModels(session).content(architecture.key)
    from spaces.networks import export_onnx  # brings torch

    return export_onnx(architecture, batch=batch)
