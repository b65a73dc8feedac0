"""The columns of an upload: which exist, which are required, and how a cell becomes a value."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from service.uploads.errors import UploadColumnsError

# A nanosecond and eleven days: beyond them a number is no latency of a network, and its logarithm still behaves.
LOWEST_LATENCY_MS: Final = 1e-6
HIGHEST_LATENCY_MS: Final = 1e9
MAX_LAYERS: Final = 20_000
_MAX_TEXT: Final = 100
_MAX_COUNT: Final = 2**31 - 1


def shown(value: object, limit: int = 60) -> str:
    """`value` as an error message quotes it: printable, and cut."""
    text = ascii(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def read_text(value: object) -> str:
    """A short printable text. Raises: ValueError with the reason."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text")
    text = value.strip()
    if len(text) > _MAX_TEXT:
        raise ValueError(f"the text is {len(text)} characters long; at most {_MAX_TEXT} are kept")
    if not text.isprintable():
        raise ValueError(f"{shown(value)} holds control characters")
    return text


def read_latency_ms(value: object) -> float:
    """A latency in ms. Raises: ValueError with the reason."""
    number = _number(value)
    if not math.isfinite(number):
        raise ValueError(f"{shown(value)} is not finite")
    if number <= 0:
        raise ValueError(f"{shown(value)} is not positive")
    if not LOWEST_LATENCY_MS <= number <= HIGHEST_LATENCY_MS:
        raise ValueError(f"{shown(value)} ms is outside {LOWEST_LATENCY_MS:g} to {HIGHEST_LATENCY_MS:g} ms")
    return number


def read_accuracy(value: object) -> float:
    """An accuracy in %. Raises: ValueError with the reason."""
    number = _number(value)
    if not 0 <= number <= 100:  # NaN is not either
        raise ValueError(f"{shown(value)} is not within 0 to 100 %")
    return number


def read_count(value: object) -> int:
    """A whole number from 1. Raises: ValueError with the reason."""
    number = _number(value)
    if not 1 <= number <= _MAX_COUNT or number != int(number):
        raise ValueError(f"{shown(value)} is no whole number from 1 to {_MAX_COUNT}")
    return int(number)


def read_time(value: object) -> datetime:
    """A time with its zone, ISO 8601 where it is text. Raises: ValueError with the reason."""
    expected = "a time with a zone, like 2026-01-31T12:00:00Z"
    try:
        time = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{shown(value)} is not {expected}") from None
    if not isinstance(time, datetime) or time.tzinfo is None or not 1970 <= time.year <= 9000:
        raise ValueError(f"{shown(value)} is not {expected}")
    return time


def read_shape(value: object) -> str:
    """An input shape, text or a list of sizes, as `1x3x32x32`. Raises: ValueError with the reason."""
    if isinstance(value, list):
        return read_text("x".join(str(read_count(size)) for size in value[:16]))
    return read_text(value)


def read_unit(value: object) -> str:
    """The unit, which is ms. Raises: ValueError with the reason."""
    if value != "ms":
        raise ValueError(f"unit {shown(value)} is not supported; latency_ms is in ms")
    return "ms"


def read_layer_ms(value: object) -> tuple[float, ...]:
    """Latencies of a network's layers in ms, a list or its JSON text; 0 of a layer that has none of its own.

    Raises: ValueError with the reason.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(f"{shown(value)} is no JSON list of numbers") from None
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no list of numbers")
    if not 1 <= len(value) <= MAX_LAYERS:
        raise ValueError(f"has {len(value):,} numbers; a network has 1 to {MAX_LAYERS:,} layers")
    for number, one in enumerate(value):
        if isinstance(one, bool) or not isinstance(one, int | float) or not 0 <= one <= HIGHEST_LATENCY_MS:
            raise ValueError(f"number {number} of the list, {shown(one)}, is not from 0 to {HIGHEST_LATENCY_MS:g}")
    return tuple(map(float, value))


REQUIRED: Final = ("device", "space", "architecture", "latency_ms")
# Optional columns, named as the fields of the stored row that they fill; `layer_ms` becomes its profile.
PROVENANCE: Final[dict[str, Callable[[object], object]]] = {
    "unit": read_unit,
    "statistic": read_text,
    "runs": read_count,
    "batch_size": read_count,
    "precision": read_text,
    "runtime": read_text,
    "runtime_version": read_text,
    "input_shape": read_shape,
    "measured_at": read_time,
    "layer_ms": read_layer_ms,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What a kind of upload may have: every `required` column, and any of the `optional` ones."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.required, *self.optional)

    def check(self, names: Iterable[str]) -> None:
        """Refuse a header with unknown, repeated or missing columns. Raises: UploadColumnsError."""
        counts = Counter(names)
        problems = [f"unknown column {shown(name)}" for name in counts if name not in self.allowed]
        problems += [f"column {name!r} is there {count} times" for name, count in counts.items() if count > 1]
        problems += [f"required column {name!r} is missing" for name in self.required if name not in counts]
        if problems:
            raise UploadColumnsError(problems[:20], self.allowed)


MEASUREMENTS: Final = Columns(REQUIRED, tuple(PROVENANCE))
ACCURACIES: Final = Columns(("space", "dataset", "architecture", "accuracy"), ("source",))


def _number(value: object) -> float:
    if isinstance(value, str) and "_" not in value and value.isascii():
        try:
            return float(value)
        except ValueError:
            hint = "; use a point for decimals" if "," in value else ""
            raise ValueError(f"{shown(value)} is no number{hint}") from None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return float(value)
        except (OverflowError, ValueError):
            raise ValueError(f"{shown(value)} is too large") from None
    raise ValueError(f"{shown(value)} is no number")
