"""What the sweeps of all families have in common."""

import time

import pytest


@pytest.fixture(scope="session")
def assert_sweep_is_one_call():
    """Checks that a sweep over 100,000 configurations takes a twentieth of as many single costs, or less."""

    def check(sweep, target, workload, changes):
        start = time.process_time()
        found = sweep(target, workload, changes)
        swept = time.process_time() - start
        assert found.cycles.shape == (100_000,)
        start = time.process_time()
        for _ in range(5):
            target.cost(workload)
        assert swept < (time.process_time() - start) / 5 * 100_000 / 20

    return check
