"""Variants of a hardware description: single keys set to other values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from targets.errors import InvalidHardwareError


def vary(description: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """The description with some keys changed; it is not checked here.

    Args:
        changes: values by key; a dot leads into a nested mapping, a number into a list: `arithmetic.0.operand_bits`.

    Raises: InvalidHardwareError for a path that leads nowhere. The last key of a path may be new.
    """
    varied: object = dict(description)
    faults = []
    for path, value in changes.items():
        try:
            varied = _with(varied, path.split("."), value)
        except LookupError:
            faults.append((path, "leads to no key of the description"))
    if faults:
        raise InvalidHardwareError(str(description.get("name", "without a name")), faults)
    assert isinstance(varied, dict)
    return varied


def _with(container: object, path: Sequence[str], value: object) -> object:
    """A copy of the container that differs at the path; everything beside the path is shared.

    Raises: LookupError for a path that leads nowhere.
    """
    key, *rest = path
    if isinstance(container, dict):
        return {**container, key: _with(container[key], rest, value) if rest else value}
    if isinstance(container, list | tuple) and key.isdecimal():
        index = int(key)
        copied = list(container)
        copied[index] = _with(copied[index], rest, value) if rest else value
        return copied
    raise LookupError(key)
