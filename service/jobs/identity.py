"""Who a worker is, so that the next process on the same machine can tell whose jobs nobody works on any more."""

import os
import secrets
import socket
from typing import Final

_PROCESS: Final = secrets.token_hex(4)  # a restarted container has the same host name and process id as before


def worker_name(index: int) -> str:
    """The name of a worker thread of this process, which no other process ever has."""
    return f"{socket.gethostname()}:{os.getpid()}:{_PROCESS}:{index}"


def is_dead(name: str) -> bool:
    """Whether a worker's process is known to have ended; another machine's is not known."""
    host, *rest = name.rsplit(":", 3)
    if host != socket.gethostname() or len(rest) != 3 or not rest[0].isdecimal() or os.name != "posix":
        return False
    pid, process = int(rest[0]), rest[1]
    if pid == os.getpid():
        return process != _PROCESS
    try:
        os.kill(pid, 0)  # asks only
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
