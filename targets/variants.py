"""Variants of a hardware description: single keys set to other values."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from targets.errors import InvalidHardwareError


def vary(description: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """The description with some keys changed; it is not checked here.

    Args:
        changes: values by key; a dot leads into a nested mapping, a number into a list: `arithmetic.0.operand_bits`.

    Raises: InvalidHardwareError for a path that leads nowhere. The last key of a path may be new.
    """
    varied = copy.deepcopy(dict(description))
    faults = [(path, "leads to no key of the description") for path in changes if not _set(varied, path, changes[path])]
    if faults:
        raise InvalidHardwareError(str(description.get("name", "without a name")), faults)
    return varied


def _set(container: object, path: str, value: object) -> bool:
    *parents, last = path.split(".")
    for key in parents:
        container = _step(container, key)
    if isinstance(container, dict):
        container[last] = value
        return True
    if isinstance(container, list) and last.isdecimal() and int(last) < len(container):
        container[int(last)] = value
        return True
    return False


def _step(container: object, key: str) -> object:
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list) and key.isdecimal() and int(key) < len(container):
        return container[int(key)]
    return None
