"""Rows of a long benchmark, one JSON object a line, from which an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def read_kept(path: Path | None) -> list[dict[str, Any]]:
    """Every row kept so far; none without a file."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def keep(path: Path | None, rows: Sequence[dict[str, Any]]) -> None:
    """Prints the rows, and appends them to the file where there is one to be."""
    lines = [json.dumps(row) for row in rows]
    print(*lines, sep="\n", flush=True)
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
