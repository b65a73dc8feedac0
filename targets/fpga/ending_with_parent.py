"""Runs a command that ends, with all its children, when the process that asked for it does, however that ended.

The parent holds the other end of this program's standard input, so the system tells it of the parent's end, be that
`kill -9`. It is a process of its own as the tool cannot watch: Yosys holds the interpreter's lock while it works. What
Linux offers (`PR_SET_PDEATHSIG`) does not reach grandchildren and goes by the thread that started a child.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def ending_with_parent(command: list[str]) -> list[str]:
    """The command to start instead, in a session of its own, with a pipe as standard input that stays open."""
    return [sys.executable, "-I", "-S", __file__, *command]


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing is ever written: it returns at the end of the last process that could
    os.killpg(0, signal.SIGKILL)


def _main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    code = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - our own command, no shell
    os._exit(code if code >= 0 else 128 - code)  # as shells tell a signal


if __name__ == "__main__":
    _main()
