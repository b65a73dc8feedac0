"""Waiting for long work: left as soon as somebody wishes, otherwise as if it were called."""

import threading

import pytest
import structlog

from service.interruptible import StoppedWaitingError, interruptible, stop_if_left, wait_for_what_was_left


def test_interruptible_work_gives_what_it_returns_in_the_context_of_the_caller():
    with structlog.contextvars.bound_contextvars(job_id="seven"):
        found = interruptible(lambda: structlog.contextvars.get_contextvars()["job_id"], lambda: False)
    assert found == "seven"


@pytest.mark.parametrize("error", [LookupError("none"), TimeoutError("its own")])
def test_interruptible_work_raises_what_it_raises(error: Exception):
    def work() -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        interruptible(work, lambda: False)


def test_interruptible_work_is_left_and_goes_on():
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        assert go_on.wait(10)
        ended.set()

    with pytest.raises(StoppedWaitingError):
        interruptible(work, lambda: True)
    wait_for_what_was_left(0.01)
    assert not ended.is_set()
    go_on.set()
    wait_for_what_was_left(10)
    assert ended.is_set()


def test_work_that_asks_ends_once_nobody_waits_and_never_before():
    steps: list[int] = []
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                stop_if_left(len(steps), 100)
                steps.append(1)
                ended.wait(0.005)
        finally:
            ended.set()

    with pytest.raises(StoppedWaitingError):
        interruptible(work, lambda: len(steps) > 3)
    assert ended.wait(10)
    assert len(steps) > 3
    stop_if_left()  # nobody was left here
