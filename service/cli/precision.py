"""Options that choose precisions, `[GROUP.]KEY=...`."""

from collections.abc import Mapping
from typing import Any


def by_group(choices: Mapping[str, object]) -> dict[str, Any]:
    """A request's `precision`: keys of the whole network, and those of `groups` that have a group before a dot."""
    found: dict[str, Any] = {}
    for path, value in choices.items():
        group, dot, key = path.rpartition(".")
        members = found.setdefault("groups", {}).setdefault(group, {}) if dot else found
        members[key] = value
    return found
