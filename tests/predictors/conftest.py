"""A made-up device family whose truth is known: latency adds up over the cost encoding."""

from collections.abc import Callable

import numpy as np
import pytest

from arch_encodings import ENCODERS
from spaces import Architecture, SearchSpace, get_space

Device = Callable[[list[Architecture]], np.ndarray]


@pytest.fixture(params=["nb201", "fbnet"])
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return get_space(request.param)


@pytest.fixture
def make_device(space: SearchSpace) -> Callable[..., Device]:
    """(ms per GMAC, per MB, per launch, noise) -> latency_ms (n,) of architectures on that device."""
    names = ENCODERS["cost"].feature_names(space)
    columns = [names.index(f"total:{cost}") for cost in ("macs", "bytes", "launches")]

    def make(per_gmac: float, per_megabyte: float, per_launch: float, noise: float = 0.0, seed: int = 0) -> Device:
        def measure(architectures: list[Architecture]) -> np.ndarray:
            macs, moved, launches = ENCODERS["cost"].encode(space, architectures)[:, columns].T
            exact = per_gmac * macs / 1e9 + per_megabyte * moved / 1e6 + per_launch * launches
            return exact * np.exp(noise * np.random.default_rng(seed).standard_normal(len(exact)))

        return measure

    return make
