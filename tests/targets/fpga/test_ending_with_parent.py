"""A tool and its children end with the process that started them, however that ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from targets.fpga.errors import SynthesisError
from targets.fpga.yosys import run_limited

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux which processes run")
# A tool with a child, both of which would outlive the test; it says who they are.
_TOOL = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "300"])
print(os.getpid(), child.pid, flush=True)
time.sleep(300)
"""
_PARENT = """
import sys
from pathlib import Path
from targets.fpga.yosys import run_limited
run_limited([sys.executable, "-c", sys.argv[1]], Path(sys.argv[2]), tool="tool", timeout_s=300)
"""


def _until(is_true: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := is_true()) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return found


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_tool_whose_parent_is_killed_ends_with_its_children(tmp_path: Path, ending: signal.Signals):
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, _TOOL, str(tmp_path)])
    log = tmp_path / "log.txt"
    try:
        assert _until(lambda: log.exists() and log.read_text().endswith("\n"))
        tools = [int(pid) for pid in log.read_text().split()]
        assert all(map(_is_running, tools))
    finally:
        parent.send_signal(ending)
        parent.wait()
    try:
        assert _until(lambda: not any(map(_is_running, tools)))
    finally:
        for pid in filter(_is_running, tools):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_exit_code_of_a_tool_without_a_word_is_told(tmp_path: Path, ending: str, code: int):
    with pytest.raises(SynthesisError, match=f"exit code {code}"):
        run_limited([sys.executable, "-c", f"import os, sys; {ending}"], tmp_path, tool="tool", timeout_s=60)
