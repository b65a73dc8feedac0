"""Names and notations of a body, resolved; a fault points at its place in the body."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from device_db import Device, DeviceNotFoundError, Devices
from service.errors import FieldError, InvalidRequestError, pointing
from spaces import Architecture, InvalidArchitectureError, Notation, SearchSpace, UnknownSpaceError


def find_space(spaces: Mapping[str, SearchSpace], name: str) -> SearchSpace:
    """The space of that name. Raises: UnknownSpaceError."""
    if name not in spaces:
        raise UnknownSpaceError(name, sorted(spaces))
    return spaces[name]


def body_space(spaces: Mapping[str, SearchSpace], name: str) -> SearchSpace:
    """The space that a body's `space` names. Raises: InvalidRequestError."""
    with pointing("/space", UnknownSpaceError):
        return find_space(spaces, name)


def body_device(session: Session, name: str) -> Device:
    """The device that a body's `device` names. Raises: InvalidRequestError."""
    with pointing("/device", DeviceNotFoundError):
        return Devices(session).get(name)


def parse_architectures(
    space: SearchSpace, notations: Sequence[Notation], pointers: Sequence[str]
) -> list[Architecture]:
    """Every architecture, in order. Raises: InvalidRequestError that points at each bad one."""
    architectures: list[Architecture] = []
    faults: list[FieldError] = []
    for notation, pointer in zip(notations, pointers, strict=True):
        try:
            architectures.append(space.parse(notation))
        except InvalidArchitectureError as error:
            faults.append(FieldError(str(error), pointer=pointer))
    if faults:
        raise InvalidRequestError(faults)
    return architectures
