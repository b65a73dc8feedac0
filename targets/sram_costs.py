"""What an access to an on-chip buffer costs, from a table of buffers that CACTI was run for.

The table, `sram_costs.csv`, holds results of CACTI 7 (Balasubramonian et al. 2017) for the buffers of BitMoD and
BitVert: 28 nm, one read and one write port. Those geometries are answered exactly. Any other one is an estimate from
the table's nearest family of equal capacity and banks:

- in the port's width: between neighbours linear in the logarithms of width and energy; beyond the family's widths
  proportional to the width (wider) or constant (narrower, where decoding and wires dominate);
- in the capacity: energy and access time grow with its square root (length of the wires), area in proportion.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from spaces.base import FloatArray

_COLUMNS: Final = ("read_pj", "write_pj", "area_mm2", "access_ns")


@dataclass(frozen=True, slots=True, eq=False)
class SramCosts:
    """Of one buffer, or of arrays of them.

    Attributes:
        read_pj: of one access at full width.
        write_pj: of one access at full width.
        area_mm2: of the whole buffer.
        access_ns: until a read has its data.
    """

    read_pj: FloatArray
    write_pj: FloatArray
    area_mm2: FloatArray
    access_ns: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """Buffers of equal capacity and banks: columns (k,) by growing width."""

    size_bytes: float
    banks: float
    width_bits: FloatArray
    costs: FloatArray


def sram_costs(size_bytes: ArrayLike, banks: ArrayLike, width_bits: ArrayLike) -> SramCosts:
    """Costs of buffers; the arguments broadcast. Raises: ValueError for sizes that are not positive."""
    size, bank, width = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (size_bytes, banks, width_bits)))
    if not ((size > 0) & (bank > 0) & (width > 0)).all():
        raise ValueError("capacity, banks and width of a buffer must be positive")
    families = _families()
    distance = np.stack(
        [np.abs(np.log2(size / each.size_bytes)) + np.abs(np.log2(bank / each.banks)) for each in families]
    )
    nearest = distance.argmin(axis=0)
    found = np.empty((len(_COLUMNS), *size.shape))
    for index, family in enumerate(families):
        is_here = nearest == index
        if is_here.any():
            scale = size[is_here] / family.size_bytes
            growth = np.stack([np.sqrt(scale), np.sqrt(scale), scale, np.sqrt(scale)])
            found[:, is_here] = _at_width(family, width[is_here]) * growth
    read_pj, write_pj, area_mm2, access_ns = found[0], found[1], found[2], found[3]
    return SramCosts(read_pj, write_pj, area_mm2, access_ns)


def _at_width(family: _Family, width: FloatArray) -> FloatArray:
    """(4, n) the columns of the family's capacity at other widths."""
    widest = family.width_bits[-1]
    beyond = np.maximum(width / widest, 1.0)
    log_width = np.log(np.clip(width, family.width_bits[0], widest))
    exact = np.searchsorted(family.width_bits, width).clip(max=len(family.width_bits) - 1)
    is_known = family.width_bits[exact] == width
    values = [np.exp(np.interp(log_width, np.log(family.width_bits), np.log(column))) for column in family.costs]
    # A row of the table as it stands there, without the detour through logarithms.
    return np.stack(
        [np.where(is_known, column[exact], value) for column, value in zip(family.costs, values, strict=True)]
    ) * (np.stack([beyond, beyond, np.ones_like(beyond), np.ones_like(beyond)]))


@cache
def _families() -> tuple[_Family, ...]:
    with files("targets").joinpath("sram_costs.csv").open(encoding="utf-8") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    families = []
    for key in dict.fromkeys((row["size_bytes"], row["banks"]) for row in rows):
        members = sorted(
            (row for row in rows if (row["size_bytes"], row["banks"]) == key), key=lambda row: row["width_bits"]
        )
        costs = np.array([[row[name] for row in members] for name in _COLUMNS])
        families.append(_Family(*key, np.array([row["width_bits"] for row in members]), costs))
    return tuple(families)
