"""Yosys in a process of its own, with limits of time and memory and a folder that goes away with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from targets.fpga.ending_with_parent import ending_with_parent
from targets.fpga.errors import SynthesisCancelledError, SynthesisError, ToolMissingError

INSTALL: Final = "pip install 'archcast[fpga]'"
DEFAULT_TIMEOUT_S: Final = 600.0
DEFAULT_MEMORY_MB: Final = 4096
_SECONDS_BETWEEN_LOOKS: Final = 0.2

# The child limits itself: a hook between fork and exec is unsafe in a process with threads.
_CHILD: Final = """
import resource, sys
try:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 20,) * 2)
except (ValueError, OSError):
    pass
from pyosys import libyosys
libyosys.run_pass("script run.ys", libyosys.Design())
"""


def yosys_version() -> str:
    """Version of the installed Yosys. Raises: ToolMissingError."""
    try:
        return version("pyosys")
    except PackageNotFoundError as error:
        raise ToolMissingError("pyosys (Yosys)", INSTALL) from error


def run_yosys(
    folder: Path,
    script: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_mb: int = DEFAULT_MEMORY_MB,
    is_cancelled: Callable[[], bool] | None = None,
) -> str:
    """Runs a script in a folder and returns the log.

    Args:
        folder: the working directory; the script's files lie in it, and temporary ones of the tool too.
        script: commands of Yosys, one per line.
        timeout_s: after which the process and its children are ended.
        memory_mb: address space of each of these processes.
        is_cancelled: asked several times a second; true ends the processes.

    Raises:
        SynthesisCancelledError: `is_cancelled` said so.
        SynthesisError: the script failed or a limit was reached.
        ToolMissingError: Yosys is not installed.
    """
    yosys_version()
    (folder / "run.ys").write_text(script)
    command = [sys.executable, "-I", "-c", _CHILD, str(memory_mb)]
    return run_limited(command, folder, tool="Yosys", timeout_s=timeout_s, is_cancelled=is_cancelled)


def run_limited(
    command: list[str],
    folder: Path,
    *,
    tool: str,
    timeout_s: float,
    is_cancelled: Callable[[], bool] | None = None,
) -> str:
    """Runs a command in a folder and returns what it printed.

    Raises:
        SynthesisCancelledError: `is_cancelled` said so.
        SynthesisError: it failed or took longer. Its children end with it, and it ends with this process.
    """
    log = folder / "log.txt"
    environment = {**os.environ, "TMPDIR": str(folder)}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            ending_with_parent(command),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            code = _wait(process, tool, timeout_s, is_cancelled)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()  # closes the pipe, too
    text = log.read_text(errors="replace")
    if code:
        raise SynthesisError(tool, f"failed: {_reason(text, code)}")
    return text


def _wait(
    process: subprocess.Popen[bytes], tool: str, timeout_s: float, is_cancelled: Callable[[], bool] | None
) -> int:
    deadline = time.monotonic() + timeout_s
    while (left := deadline - time.monotonic()) > 0:
        try:
            return process.wait(left if is_cancelled is None else min(left, _SECONDS_BETWEEN_LOOKS))
        except subprocess.TimeoutExpired:
            if is_cancelled is not None and is_cancelled():
                raise SynthesisCancelledError(tool) from None
    raise SynthesisError(tool, f"did not finish within {timeout_s:g} s")


def _reason(log: str, code: int) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "bad_alloc" in line or "MemoryError" in line]
    return (errors or lines or [f"exit code {code}"])[-1][:500]
