"""Encodings of a latency table's architectures, with published zero-cost proxies in the place of computed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from arch_encodings import Encoder, encoders_with
from arch_encodings.zcp import SCALES, scale_proxies
from device_db.importers import zero_cost
from service.benchmarks.shared_proxies import SharedProxies, read_shared_proxies
from spaces import Architecture
from spaces.base import SearchSpace

Read = Callable[[Path, SearchSpace, Sequence[Architecture]], SharedProxies]


def published_encoders(
    folder: Path, space: SearchSpace, architectures: Sequence[Architecture]
) -> Mapping[str, Encoder]:
    """Every encoding by its name; proxies, also in combinations, are those of the folder's table.

    Args: architectures: all that will be encoded.
    Raises: ImportFormatError; KeyError for a space or an architecture without published proxies.
    """
    return encoders_with(_READERS[space.name](folder, space, architectures))


def _read_fbnet(folder: Path, space: SearchSpace, architectures: Sequence[Architecture]) -> SharedProxies:
    table = zero_cost.read(folder / "fbnet_zcp.json", lambda _, notation: space.parse(notation).key).encodings[0]
    names = tuple(SCALES)
    raw = np.array([[table.values[name][architecture.key] for name in names] for architecture in architectures])
    return SharedProxies(dict(zip(architectures, scale_proxies(raw, names), strict=True)))


_READERS: Final[Mapping[str, Read]] = {"nb201": read_shared_proxies, "fbnet": _read_fbnet}
