"""What a run knows, as bytes from which another process goes on: nothing evaluated is evaluated again.

A NumPy archive without pickled objects.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.errors import InvalidCheckpointError
from spaces.base import FloatArray

_FORMAT = 2


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """State of a run after a batch.

    Attributes:
        space: name of the space.
        metrics: names of the problem's metrics, objectives first.
        keys: canonical keys of the n evaluated architectures, in that order.
        values: (n, metrics).
        initial: keys of what the run started from.
        seconds: wall time spent so far.
    """

    space: str
    metrics: tuple[str, ...]
    keys: tuple[str, ...]
    values: FloatArray
    initial: tuple[str, ...]
    seconds: float

    def to_bytes(self) -> bytes:
        """What `from_bytes` reads."""
        head = {"format": _FORMAT, "space": self.space, "metrics": self.metrics, "seconds": self.seconds}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            head=_characters([json.dumps(head)]),
            keys=_characters(self.keys),
            initial=_characters(self.initial),
            values=self.values,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Checkpoint:
        """Raises: InvalidCheckpointError for bytes that `to_bytes` of this version did not write."""
        try:
            with np.load(io.BytesIO(blob), allow_pickle=False) as archive:
                head = json.loads(_lines(archive["head"])[0])
                found = cls(
                    head["space"],
                    tuple(head["metrics"]),
                    _lines(archive["keys"]),
                    np.asarray(archive["values"], dtype=np.float64),
                    _lines(archive["initial"]),
                    float(head["seconds"]),
                )
        except (
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            OSError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise InvalidCheckpointError(str(error)) from error
        if head["format"] != _FORMAT or found.values.shape != (len(found.keys), len(found.metrics)):
            raise InvalidCheckpointError("it is of another version")
        return found


def _characters(lines: Sequence[str]) -> np.ndarray:
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)


def _lines(characters: np.ndarray) -> tuple[str, ...]:
    text = bytes(characters.astype(np.uint8)).decode()
    return tuple(text.split("\n")) if text else ()
