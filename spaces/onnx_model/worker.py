"""`python -m spaces.onnx_model.worker`: reads one uploaded model, bounded, and writes what it found as JSON.

Standard input is a line of JSON (bindings and limits) and then the file's bytes. The process may not write files, and
what exceeds its memory or time ends it; `importing.import_apart` then says so.
"""

from __future__ import annotations

import json
import math
import sys

from spaces.onnx_model.errors import ModelRefusedError, ModelTooLargeError
from spaces.onnx_model.importing import import_here, refusal_document
from spaces.onnx_model.limits import Limits


def main() -> None:
    """Read, import, answer."""
    order = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**order["limits"])
    _restrict(limits)
    try:
        answer = {"model": import_here(sys.stdin.buffer.read(), order["bindings"], limits).to_json()}
    except ModelRefusedError as error:
        answer = {"refused": refusal_document(error)}
    except MemoryError:
        error = ModelTooLargeError(f"reading it takes more than {limits.memory_bytes:,} bytes of memory")
        answer = {"refused": refusal_document(error)}
    sys.stdout.write(json.dumps(answer))


def _restrict(limits: Limits) -> None:
    """Bound this process for the rest of its life."""
    try:
        import resource
    except ModuleNotFoundError:  # not on Windows; the parent's limit on time remains
        return
    seconds = math.ceil(limits.wall_s)
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):  # a system that knows no such limit, or a lower one already
            continue


if __name__ == "__main__":
    main()
