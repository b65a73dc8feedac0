"""Long work, such as a fit: whoever waits for it can leave, and it ends as soon as it asks whether somebody did."""

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

_SECONDS_BETWEEN_LOOKS: Final = 0.1
_THREAD_NAME: Final = "interruptible"
_left: Final[contextvars.ContextVar[threading.Event | None]] = contextvars.ContextVar("left", default=None)
Result = TypeVar("Result")


class StoppedWaitingError(Exception):
    """Nobody waits any more; the job ends without anything to show."""


def interruptible(work: Callable[[], Result], is_to_stop: Callable[[], bool]) -> Result:
    """What the work returns or raises.

    It runs in a thread of its own, which goes on when nobody waits any more until the work calls `stop_if_left`.

    Raises: StoppedWaitingError as soon as `is_to_stop`, which is asked in this thread; or what that raises.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # the waiting thread's to judge
            future.set_exception(error)

    left = threading.Event()
    context = contextvars.copy_context()
    context.run(_left.set, left)
    threading.Thread(target=context.run, args=(run,), name=_THREAD_NAME, daemon=True).start()
    try:
        while True:
            try:
                return future.result(_SECONDS_BETWEEN_LOOKS)
            except TimeoutError:
                if future.done():
                    raise
            if is_to_stop():
                raise StoppedWaitingError
    finally:
        left.set()


def stop_if_left(*_: object) -> None:
    """For work to call now and then; also as what is told of progress. Raises: StoppedWaitingError if nobody waits."""
    left = _left.get()
    if left is not None and left.is_set():
        raise StoppedWaitingError


def wait_for_what_was_left(seconds: float) -> None:
    """Let work that nobody waits for end, so that its connections are closed before the database's; at most so long."""
    deadline = time.monotonic() + seconds
    for thread in threading.enumerate():
        if thread.name == _THREAD_NAME:
            thread.join(max(0.0, deadline - time.monotonic()))
