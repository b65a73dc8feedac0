"""A CSV file of layers for `archcast simulate`, and where in it a fault is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from service.cli.failures import CommandError
from service.errors import InvalidRequestError

# The place of a row in a request: as the command line names it, and as a JSON pointer.
_PATH: Final = re.compile(r"^layers\.(\d+)(?:\.|: )")
_POINTER: Final = re.compile(r"^/layers/(\d+)")


@dataclass(frozen=True, slots=True)
class LayersFile:
    """The file's rows as a request takes them: columns as in POST /simulate, empty cells left out.

    A cell of `reads` has names that semicolons part.

    Attributes:
        path: of the file.
        rows: cells by column.
        lines: the line that each row begins on; the file's first is 1.
    """

    path: Path
    rows: list[dict[str, str | list[str]]]
    lines: list[int]

    @classmethod
    def read(cls, path: Path) -> LayersFile:
        """The rows of a file. Raises: CommandError for what is no CSV in UTF-8."""
        rows: list[dict[str, str | list[str]]] = []
        lines: list[int] = []
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, restkey="column without a name")
                for row in reader:
                    rows.append({key: _cell(key, value) for key, value in row.items() if value not in ("", None)})
                    lines.append(reader.line_num - sum(str(value).count("\n") for value in row.values()))
        except UnicodeDecodeError as error:
            reason = f"is not UTF-8: byte {error.start:,} is 0x{error.object[error.start]:02x}"
            raise CommandError(f"{path} {reason}") from error
        except csv.Error as error:
            raise CommandError(f"{path} is not CSV: {error}") from error
        return cls(path, rows, lines)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Tell faults of rows by their lines."""
        try:
            yield
        except CommandError as error:
            raise CommandError(str(error), [_PATH.sub(self._place, fault) for fault in error.details]) from error
        except InvalidRequestError as error:
            faults = [
                replace(fault, reason=self._place(found) + fault.reason)
                if (found := _POINTER.match(fault.pointer or ""))
                else fault
                for fault in error.errors
            ]
            raise InvalidRequestError(faults) from error

    def _place(self, found: re.Match[str]) -> str:
        return f"{self.path.name} line {self.lines[int(found[1])]}: "


def _cell(column: str, text: str) -> str | list[str]:
    return [name.strip() for name in text.split(";")] if column == "reads" else text
