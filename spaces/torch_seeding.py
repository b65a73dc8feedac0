"""Random numbers of torch that start from a seed, whichever threads train at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

# The generators are the whole process's: whoever seeds them has them alone, and may do so again within.
_GENERATORS: Final = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's random numbers, those of every CUDA device included, start from the seed and go on as before afterwards.

    One thread at a time is inside; the others wait.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with _GENERATORS, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
