"""Wakes whoever waits for jobs in this process, so that polling is only for other processes."""

import threading


class Bell:
    """Counts rings; a waiter that knows the count of its last look cannot miss one."""

    def __init__(self) -> None:
        self._rings = 0
        self._condition = threading.Condition()

    @property
    def rings(self) -> int:
        """How often it rang so far."""
        return self._rings

    def ring(self) -> None:
        """Wake all waiters."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout_seconds: float) -> int:
        """Return the count as soon as it exceeds `seen`, or after the time-out."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings > seen, timeout_seconds)
            return self._rings
