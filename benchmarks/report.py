"""Writes a benchmark's section into a page of docs, with the command, machine and date it came from."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shlex
import sys
from pathlib import Path

_DOCS = Path(__file__).resolve().parents[1] / "docs"


def write_section(name: str, body: str, page: str = "benchmarks.md") -> None:
    """Replaces what stands between the section's markers on a page of docs, or appends the section."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = f"{begin}\n{body.strip()}\n\n{_origin()}\n{end}"
    path = _DOCS / page
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    updated, count = pattern.subn(lambda _: section, text)
    path.write_text(updated if count else f"{text.rstrip()}\n\n{section}\n", encoding="utf-8")


def docs_path(name: str) -> Path:
    """Where a file of that name lies in docs."""
    return _DOCS / name


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A GitHub table, the first column left-aligned and the others right-aligned."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def _origin() -> str:
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *_shown(sys.argv[1:])])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"*`{command}`, {today}, {machine}.*"


def _shown(arguments: list[str]) -> list[str]:
    """Arguments without absolute paths, which mean nothing elsewhere, nor the folder of an interrupted run."""
    if "--keep" in arguments:
        position = arguments.index("--keep")
        arguments = arguments[:position] + arguments[position + 2 :]
    return [Path(argument).name if Path(argument).is_absolute() else argument for argument in arguments]
