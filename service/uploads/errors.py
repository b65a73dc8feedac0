"""Errors of an upload: the body as a whole is refused, or some of its rows are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import FieldError, ServiceError


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why one row is refused.

    Attributes:
        row: 1-based number of the data row, the header not counted.
        line: 1-based line of the file where the row begins; None in formats without lines.
        column: the column at fault; None where the row as a whole is.
        reason: what is wrong, the value got, what is allowed.
    """

    row: int
    line: int | None
    column: str | None
    reason: str


class UploadError(ServiceError):
    """Base of every refusal of an upload; `errors` lists what an answer should point at."""

    errors: Sequence[FieldError | RowProblem] = ()


class UnsupportedUploadTypeError(UploadError):
    """The media type, its charset or the content encoding is none that uploads are read in."""

    def __init__(self, header: str, value: str, allowed: Sequence[str]):
        super().__init__(f"{header} {value[:100]!r} is not supported; supported: {', '.join(allowed)}")
        self.header = header
        self.value = value
        self.allowed = tuple(allowed)


class UploadTooLargeError(UploadError):
    """The body, or what it unpacks to, passes a limit."""

    def __init__(self, limit: int, unit: str):
        super().__init__(f"the upload is larger than the limit of {limit:,} {unit}; send it in parts")
        self.limit = limit
        self.unit = unit


class UnreadableUploadError(UploadError):
    """The body is not what its media type says, from `line` on where the format has lines."""

    def __init__(self, reason: str, line: int | None = None):
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class EmptyUploadError(UploadError):
    """The body holds no row."""

    def __init__(self) -> None:
        super().__init__("the upload holds no rows")


class UploadColumnsError(UploadError):
    """The header names columns that do not exist, names one twice, or leaves out a required one."""

    def __init__(self, problems: Sequence[str], allowed: Sequence[str]):
        super().__init__(f"{'; '.join(problems)}; allowed columns: {', '.join(allowed)}")
        self.errors = [FieldError(problem) for problem in problems]
        self.allowed = tuple(allowed)


class RejectedRowsError(UploadError):
    """Some rows are bad, so none was stored.

    Attributes:
        problems: in row order, at most the number that an answer lists.
        rejected: number of bad rows, listed or not.
        rows: number of rows in the upload.
    """

    def __init__(self, problems: Sequence[RowProblem], rejected: int, rows: int):
        super().__init__(f"{rejected:,} of {rows:,} rows are bad and nothing was stored")
        self.errors = self.problems = tuple(problems)
        self.rejected = rejected
        self.rows = rows
