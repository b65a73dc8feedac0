"""Checks the values that a sweep over hardware configurations is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel

from spaces.base import FloatArray
from targets.errors import InvalidHardwareError


@dataclass(frozen=True, slots=True)
class Range:
    """What a swept key may be: from `low` to `high`, both included."""

    low: float
    high: float
    is_whole: bool = False

    def fault(self, values: FloatArray) -> str | None:
        """What is wrong with values (c,)."""
        if not ((values >= self.low) & (values <= self.high)).all():  # also not a number
            return f"values must be {self.low:g} to {self.high:g}"
        if self.is_whole and not (values == np.rint(values)).all():
            return "values must be whole numbers"
        return None


def field_range(schema: type[BaseModel], key: str) -> Range:
    """The range that a numeric field of a hardware description has."""
    field = schema.model_fields[key]

    def bound(name: str, otherwise: float) -> Any:
        return next((getattr(each, name) for each in field.metadata if hasattr(each, name)), otherwise)

    return Range(bound("ge", -math.inf), bound("le", math.inf), field.annotation is int)


def sweep_columns(
    source: str, changes: Mapping[str, ArrayLike], ranges: Mapping[str, Range]
) -> tuple[dict[str, FloatArray], int]:
    """The values as arrays, each of them (c,) or (1,), and c.

    Args:
        source: what errors call the hardware.
        changes: c values, or one, for each key.
        ranges: of the keys that can vary.

    Raises: InvalidHardwareError with every key at fault.
    """
    faults = [(key, f"cannot vary; what can: {', '.join(sorted(ranges))}") for key in changes if key not in ranges]
    columns = {key: np.atleast_1d(np.asarray(values, np.float64)) for key, values in changes.items() if key in ranges}
    for key, column in columns.items():
        is_row = column.ndim == 1 and len(column) > 0
        reason = ranges[key].fault(column) if is_row else "one row of values is needed"
        if reason is not None:
            faults.append((key, reason))
    lengths = sorted({column.shape[0] for column in columns.values()} - {1})
    if len(lengths) > 1:
        faults.append(("", f"all keys need as many values, or one; got {lengths}"))
    if faults:
        raise InvalidHardwareError(source, faults)
    return columns, lengths[0] if lengths else 1
