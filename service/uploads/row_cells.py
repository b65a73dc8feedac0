"""A row's cells as values: each by its column's reader, the architecture in any notation of the row's space."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from service.uploads.columns import shown
from service.uploads.errors import RowProblem
from service.uploads.raw_row import RawRow
from spaces.base import Architecture, SearchSpace
from spaces.errors import InvalidArchitectureError

_CACHE_SIZE: Final = 100_000
_MAX_NOTATION: Final = 2000


class RowCells:
    """Reads rows with the columns `space` and `architecture` beside others.

    An architecture that comes again, as in a second pass, is parsed once.

    Args:
        spaces: name to space; parses architectures, by index too where the space has its order.
        required: columns without which a row is bad.
        readers: for every other column; raises ValueError with the reason.
    """

    def __init__(
        self,
        spaces: Mapping[str, SearchSpace],
        required: Collection[str],
        readers: Mapping[str, Callable[[object], object]],
    ):
        self._spaces = spaces
        self._required = required
        self._readers = {"space": self._read_space, **readers}
        self._parsed: dict[tuple[str, object], Architecture] = {}

    def __call__(self, raw: RawRow) -> dict[str, Any] | list[RowProblem]:
        """The values that the row gives, without `space`; or everything that is wrong with it."""
        if raw.fault is not None:
            return [RowProblem(raw.number, raw.line, None, raw.fault)]
        cells = {name: cell for name, cell in raw.cells.items() if cell is not None and cell != ""}
        values: dict[str, Any] = {}
        faults = {name: "no value" for name in self._required if name not in cells}
        notation = cells.pop("architecture", None)
        for name, cell in cells.items():
            try:
                values[name] = self._readers[name](cell)
            except ValueError as error:
                faults[name] = str(error)
        space = values.pop("space", None)
        if space is not None and notation is not None:
            try:
                values["architecture"] = self._read_architecture(space, notation)
            except ValueError as error:
                faults["architecture"] = str(error)
        if faults:
            return [RowProblem(raw.number, raw.line, name, reason) for name, reason in faults.items()]
        return values

    def _read_space(self, cell: object) -> str:
        name = cell.strip() if isinstance(cell, str) else cell
        if not isinstance(name, str) or name not in self._spaces:
            raise ValueError(f"unknown space {shown(cell)}; known: {', '.join(self._spaces)}")
        return name

    def _read_architecture(self, space: str, cell: object) -> Architecture:
        key = (space, _notation(cell))
        if key not in self._parsed:
            if len(self._parsed) >= _CACHE_SIZE:
                self._parsed.clear()
            try:
                self._parsed[key] = self._spaces[space].parse(cell)  # pyright: ignore[reportArgumentType]
            except InvalidArchitectureError as error:
                raise ValueError(str(error)) from None
        return self._parsed[key]


def _notation(cell: object) -> object:
    """A hashable form of an architecture's notation. Raises: ValueError for what is none."""
    if isinstance(cell, str) and len(cell) <= _MAX_NOTATION:
        return cell
    if type(cell) is int:
        return cell
    if isinstance(cell, list) and len(cell) <= _MAX_NOTATION and all(type(part) in (int, str) for part in cell):
        return tuple(cell)
    raise ValueError(f"{shown(cell)} is no architecture: give a text, an index, or a list of choices")
