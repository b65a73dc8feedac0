"""Number formats of a few bits: quantise and dequantise per group, and what they lose.

quantised = parse_format("bitmod4").quantise(weights)      # weights (..., n), groups of 128 along n
quantised.codes, quantised.scale, quantised.dequantise()
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final

from targets.formats import grids
from targets.formats.base import GROUP_SIZE, NumberFormat, Quantised, bits_per_value
from targets.formats.binary_pruned import BinaryPrunedFormat
from targets.formats.error import mean_squared_error, network_sqnr_db, sqnr_db
from targets.formats.network import mse_evaluator, sqnr_evaluator
from targets.formats.quantisers import AdaptiveFormat, GridFormat, IntegerFormat, MicroscalingFormat
from targets.formats.student_float import MAX_NU, fit_nu, normal_float, student_float

__all__ = [
    "FORMATS",
    "GROUP_SIZE",
    "MAX_NU",
    "AdaptiveFormat",
    "BinaryPrunedFormat",
    "GridFormat",
    "IntegerFormat",
    "MicroscalingFormat",
    "NumberFormat",
    "Quantised",
    "UnknownFormatError",
    "bits_per_value",
    "fit_nu",
    "format_at_width",
    "mean_squared_error",
    "mse_evaluator",
    "network_sqnr_db",
    "normal_float",
    "parse_format",
    "sqnr_db",
    "sqnr_evaluator",
    "student_float",
]


class UnknownFormatError(ValueError):
    """No number format of that name."""

    def __init__(self, name: str):
        known = ", ".join([*FORMATS, *(pattern for pattern, _, _ in _FAMILIES)])
        super().__init__(f"unknown number format {name!r}; known: {known}")
        self.name = name


def _one_sided(name: str, grid: grids.FloatArray) -> GridFormat:
    """The published scaling of formats with a supernormal value: by the largest positive level."""
    return GridFormat(name, 4, grid, float(grid.max()))


FORMATS: Final[dict[str, NumberFormat]] = {
    each.name: each
    for each in (
        GridFormat("fp3", 3, grids.FP3),
        GridFormat("fp4", 4, grids.FP4),
        *(
            GridFormat(f"fp{bits}-{kind}", bits, grid)
            for bits, candidates in grids.BITMOD.items()
            for kind, grid in zip(("er+", "er-", "ea+", "ea-"), candidates, strict=True)
        ),
        *(AdaptiveFormat(f"bitmod{bits}", bits, candidates) for bits, candidates in grids.BITMOD.items()),
        *(AdaptiveFormat(f"bitmod{bits}-er", bits, candidates[:2]) for bits, candidates in grids.BITMOD.items()),
        *(AdaptiveFormat(f"bitmod{bits}-ea", bits, candidates[2:]) for bits, candidates in grids.BITMOD.items()),
        _one_sided("e2m1-sr", grids.SUPER_RANGE),
        _one_sided("e2m1-sp", grids.SUPER_PRECISION),
        GridFormat("apot4", 4, grids.APOT4),
        GridFormat("apot4-sp", 4, grids.APOT4_SUPER_PRECISION),
        MicroscalingFormat("mx-fp3", 3, grids.FP3),
        MicroscalingFormat("mx-fp4", 4, grids.FP4),
        MicroscalingFormat("mx-int4", 4, grids.integer(4)),
        MicroscalingFormat("mx-int8", 8, grids.integer(8)),
    )
}


def _ant(name: str, bits: int) -> NumberFormat:
    return AdaptiveFormat(name, bits, (grids.integer(bits), grids.flint(bits)))


def _student(name: str, bits: int, nu: float = 5.0) -> NumberFormat:
    return GridFormat(name, bits, student_float(bits, nu))


def _pruned(method: str, name: str, bits: str) -> NumberFormat:
    return BinaryPrunedFormat(name, int(bits), method)


# How a family is written, its pattern, and how a name with the pattern's numbers becomes a format.
_FAMILIES: Final[list[tuple[str, str, Callable[..., NumberFormat]]]] = [
    ("int<bits>", r"int([2-9]|1[0-5])", lambda name, bits: IntegerFormat(name, int(bits))),
    ("int<bits>-asym", r"int([2-9]|1[0-4])-asym", lambda name, bits: IntegerFormat(name, int(bits), False)),
    ("nf<bits>", r"nf([2-8])", lambda name, bits: _student(name, int(bits), math.inf)),
    ("sf<bits>", r"sf([2-8])", lambda name, bits: _student(name, int(bits))),
    ("sf<bits>(<nu>)", r"sf([2-8])\((\d+(?:\.\d+)?)\)", lambda name, bits, nu: _student(name, int(bits), float(nu))),
    *(
        (f"{kind}<bits>", rf"{kind}([2-8])", partial(_pruned, method))
        for kind, method in (
            ("bbs-average", "rounded_averaging"),
            ("bbs-shift", "zero_point_shifting"),
            ("bit-flip", "bit_flip"),
        )
    ),
    ("flint<bits>", r"flint([3-7])", lambda name, bits: GridFormat(name, int(bits), grids.flint(int(bits)))),
    ("ant<bits>", r"ant([3-7])", lambda name, bits: _ant(name, int(bits))),
    (
        "e<exponent>m<mantissa>",
        r"e([2-4])m([0-4])",
        lambda name, e, m: GridFormat(name, 1 + int(e) + int(m), grids.floating(int(e), int(m))),
    ),
]


def format_at_width(name: str | None, bits: float) -> str | None:
    """The name of the format of the same kind at another width, else of integers; None where there is neither."""
    if not float(bits).is_integer():
        return None
    similar = re.sub(r"\d+", str(int(bits)), name, count=1) if name else ""
    for each in (similar, f"int{int(bits)}"):
        try:
            if parse_format(each).bits == bits:
                return each
        except UnknownFormatError:
            continue
    return None


@lru_cache(maxsize=256)
def parse_format(name: str) -> NumberFormat:
    """The format of a name: one of `FORMATS`, or of a family such as `int5`, `sf4(6.5)` or `e2m3`.

    Raises: UnknownFormatError.
    """
    if name in FORMATS:
        return FORMATS[name]
    for _, pattern, make in _FAMILIES:
        found = re.fullmatch(pattern, name)
        if found and not (name.startswith("sf") and found.groups()[-1].strip("0.") == ""):
            return make(name, *found.groups())
    raise UnknownFormatError(name)
