"""Hardware descriptions as YAML: the catalogue that comes with the package, and a user's own."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from targets.errors import InvalidHardwareError, UnknownHardwareError
from targets.hardware_spec import HardwareSpec

Spec = TypeVar("Spec", bound=HardwareSpec)


def hardware_names() -> tuple[str, ...]:
    """Names of the hardware in the catalogue, sorted."""
    return tuple(sorted(_catalogue()))


def catalogue_description(name: str) -> Mapping[str, object]:
    """The unchecked description of catalogue hardware. Raises: UnknownHardwareError."""
    catalogue = _catalogue()
    if name not in catalogue:
        raise UnknownHardwareError(name, sorted(catalogue))
    return parse_yaml(catalogue[name].read_text(encoding="utf-8"), source=name)


def file_description(path: Path) -> Mapping[str, object]:
    """The unchecked description in a user's YAML file. Raises: InvalidHardwareError if it cannot be read as such."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidHardwareError(str(path), [("", f"the file cannot be read: {error}")]) from error
    return parse_yaml(text, source=str(path))


def parse_yaml(text: str, *, source: str) -> Mapping[str, object]:
    """The mapping that a YAML text holds. Raises: InvalidHardwareError for anything else."""
    try:
        description = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidHardwareError(source, [("", f"not YAML: {error}")]) from error
    if not isinstance(description, dict):
        raise InvalidHardwareError(source, [("", f"expected keys and values, got {type(description).__name__}")])
    return description


def validate(description: Mapping[str, object], schema: type[Spec], *, source: str) -> Spec:
    """The description as the hardware of one cost model.

    Raises: InvalidHardwareError with every key at fault.
    """
    try:
        return schema.model_validate(dict(description))
    except ValidationError as error:
        faults = [
            (".".join(str(part) for part in fault["loc"]), f"{fault['msg']}, got {_BRIEFLY.repr(fault['input'])}")
            if fault["loc"]
            else ("", fault["msg"])
            for fault in error.errors(include_url=False)
        ]
        raise InvalidHardwareError(source, faults) from error


class _BriefRepr(reprlib.Repr):
    """`repr` of whatever a user wrote: short, and safe for deep nesting."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = 80


_BRIEFLY = _BriefRepr()


def _catalogue() -> dict[str, Traversable]:
    entries = files("targets").joinpath("hardware").iterdir()
    return {entry.name.removesuffix(".yaml"): entry for entry in entries if entry.name.endswith(".yaml")}
