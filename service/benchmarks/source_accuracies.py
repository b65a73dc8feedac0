"""Accuracies and zero-cost proxies of search spaces other than NAS-Bench-201, to learn from before it is known.

NASLib's subsets (automl/NASLib, Apache-2.0): NAS-Bench-101 (500 cells), NAS-Bench-301 (725), TransNAS-Bench-101 micro
(711) and macro (662) on seven tasks; and scene classification of 2,128 micro cells from NAS-Bench-Suite-Zero.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from arch_encodings.zcp import SCALES
from spaces import Architecture, get_space
from spaces.base import FloatArray

_FILES: Final = {
    "nb101": "naslib_nb101.json.gz",
    "nb301": "naslib_nb301.json.gz",
    "tnb101_micro": "naslib_tnb101_micro_7tasks.json.gz",
    "tnb101_macro": "naslib_tnb101_macro_7tasks.json.gz",
}
_MICRO: Final = "tnb101_micro_zcp.csv.gz"


@dataclass(frozen=True, slots=True, eq=False)
class SourceAccuracies:
    """One task of one space.

    Attributes:
        accuracy: (n,) greater is better, in the task's own unit.
        proxies: name -> (n,) published values, of those that there are.
    """

    space: str
    task: str
    architectures: list[Architecture]
    accuracy: FloatArray
    proxies: Mapping[str, FloatArray]


def read_source_accuracies(folder: Path) -> list[SourceAccuracies]:
    """From the folder of zero-cost tables, in a fixed order."""
    found: list[SourceAccuracies] = []
    for space, file in _FILES.items():
        with gzip.open(folder / file, "rt") as text:
            content = json.load(text)
        for task, rows in content.get("nasbench101", content).items():
            found.append(_task(space, task, list(rows), list(rows.values()), "val_accuracy"))
    with gzip.open(folder / _MICRO, "rt") as text:
        rows = list(csv.DictReader(text))
    found.append(_task("tnb101_micro", "class_scene_2128", [row["net"] for row in rows], rows, "val_accs"))
    return found


def _task(space: str, task: str, notations: list[str], rows: list[Any], accuracy: str) -> SourceAccuracies:
    parse = get_space(space).parse
    proxies = {name: _column(rows, name) for name in SCALES if name in rows[0]}
    return SourceAccuracies(space, task, [parse(name) for name in notations], _column(rows, accuracy), proxies)


def _column(rows: list[Any], name: str) -> FloatArray:
    cells = [row[name] for row in rows]
    return np.array([cell["score"] if isinstance(cell, dict) else cell for cell in cells], dtype=np.float64)
