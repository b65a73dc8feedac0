"""What an importer reads from upstream's files, and the checks that all importers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from device_db.errors import ImportFormatError
from device_db.models import DeviceKind
from device_db.rows import MeasurementRow

# (space name, any notation of the space) -> canonical string. Raises anything for a notation that it does not know.
Canonical = Callable[[str, Any], str]


@dataclass(frozen=True, slots=True)
class AccuracyTable:
    """Test accuracies of one space on one data set: architecture -> per cent."""

    space: str
    dataset: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class EncodingTable:
    """Numbers of architectures of one space, all from one configuration.

    Attributes:
        values: encoding -> architecture -> number, NaN where it is undefined.
    """

    space: str
    configuration: str
    values: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkData:
    """One published benchmark, read from its own files.

    Attributes:
        source: the benchmark's name, kept with every row.
        devices: name -> description of the devices that the measurements name.
        kind: of those devices where they are new.
        measurements: read lazily and once; raises ImportFormatError where a file turns out to be malformed.
        row_count: upper bound of the number of measurements, for progress.
        accuracies: whole tables.
        encodings: whole tables.
        orders: space -> its architectures in the order in which the benchmark numbers them.
        notes: what was left out, and why.
    """

    source: str
    devices: Mapping[str, str] = field(default_factory=dict)
    kind: DeviceKind = DeviceKind.measured
    measurements: Iterator[MeasurementRow] = field(default_factory=lambda: iter(()))
    row_count: int = 0
    accuracies: tuple[AccuracyTable, ...] = ()
    encodings: tuple[EncodingTable, ...] = ()
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Importer(Protocol):
    """Reads one benchmark's files.

    Contract: touches no database; loads no code from a file; the structure of the files is checked at once, the values
    of large ones while `measurements` is consumed. Raises: ImportFormatError, naming the file and what is wrong.
    """

    def __call__(self, path: Path, canonical: Canonical) -> BenchmarkData:
        """The benchmark at `path`."""
        ...


def canonical_keys(path: Path, space: str, notations: Iterable[Any], canonical: Canonical) -> list[str]:
    """Canonical strings, in order. Raises: ImportFormatError for a notation that is unknown or comes twice."""
    positions: dict[str, int] = {}
    for position, notation in enumerate(notations):
        try:
            key = canonical(space, notation)
        except Exception as error:  # the caller's parser: its errors are not known here
            raise ImportFormatError(path, f"architecture {position}: {error}") from error
        if positions.setdefault(key, position) != position:
            raise ImportFormatError(path, f"architecture {position}: {key!r} is architecture {positions[key]} already")
    return list(positions)


def in_index_order(path: Path, items: Iterable[tuple[int, str]], key_count: int) -> list[str]:
    """The strings sorted by their indices. Raises: ImportFormatError unless those are 0 .. key_count - 1, each once."""
    by_index = dict(items)
    if len(by_index) != key_count or set(by_index) != set(range(key_count)):
        raise ImportFormatError(path, f"indices are not 0 to {key_count - 1}, each once")
    return [by_index[index] for index in range(key_count)]


def positive_number(path: Path, value: Any, where: str) -> float:
    """A cost as upstream wrote it. Raises: ImportFormatError unless it is a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ImportFormatError(path, f"{where}: {value!r} is not a positive finite number")
    return float(value)


def find_file(path: Path, names: Sequence[str]) -> Path:
    """`path` itself, or the file of one of the names in it. Raises: ImportFormatError if there is none."""
    if path.is_file():
        return path
    for name in names:
        if (path / name).is_file():
            return path / name
    reason = f"contains none of {', '.join(names)}" if path.is_dir() else "no such file or folder"
    raise ImportFormatError(path, reason)
