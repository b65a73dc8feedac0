"""Seeded random numbers under threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

from spaces.torch_seeding import seeded


def drawn(seed: int, barrier: threading.Barrier | None = None) -> torch.Tensor:
    if barrier is not None:
        barrier.wait()
    with seeded(seed):
        return torch.stack([torch.randn(50) for _ in range(200)])


def test_seeded_numbers_of_two_threads_are_those_of_one_after_the_other():
    expected = [drawn(seed) for seed in (1, 2)]
    before = torch.get_rng_state()
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            found = list(pool.map(drawn, (1, 2), (barrier, barrier)))
            assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_within_seeded_goes_on_where_it_was():
    expected = drawn(3)[:2]
    with seeded(3):
        first = torch.randn(50)
        drawn(4)
        assert torch.equal(torch.stack([first, torch.randn(50)]), expected)
