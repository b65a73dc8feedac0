"""Long work that cannot be asked to stop, such as a fit of a library: whoever waits for it can leave."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

_SECONDS_BETWEEN_LOOKS: Final = 0.1
Result = TypeVar("Result")


class StoppedWaitingError(Exception):
    """Nobody waits any more; the job ends without anything to show."""


def interruptible(work: Callable[[], Result], is_to_stop: Callable[[], bool]) -> Result:
    """What the work returns or raises.

    It runs in a thread of its own, which goes on when nobody waits any more: what it fits may be remembered.

    Raises: StoppedWaitingError as soon as `is_to_stop`, which is asked in this thread; or what that raises.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # the waiting thread's to judge
            future.set_exception(error)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    while True:
        try:
            return future.result(_SECONDS_BETWEEN_LOOKS)
        except TimeoutError:
            if future.done():
                raise
        if is_to_stop():
            raise StoppedWaitingError
