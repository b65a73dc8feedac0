"""The Prefer header (RFC 7240): `respond-async` and `wait`."""

import re
from dataclasses import dataclass
from typing import Final

_WAIT: Final = re.compile(r'wait\s*=\s*"?(\d{1,6})"?')


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client would like.

    Attributes:
        respond_async: answer with a job rather than let the client wait.
        wait_seconds: longest wait that suits the client, None for no preference.
    """

    respond_async: bool = False
    wait_seconds: int | None = None

    @property
    def applied(self) -> str:
        """Value of the Preference-Applied header, empty if there is nothing to say."""
        wait = [] if self.wait_seconds is None else [f"wait={self.wait_seconds}"]
        return ", ".join([*(["respond-async"] if self.respond_async else []), *wait])


def parse_preferences(header: str) -> Preferences:
    """Known preferences of the header; others are ignored, as the RFC says, and the first of a kind counts."""
    items = [item.split(";")[0].strip().lower() for item in header.split(",")]
    waits = [int(match[1]) for item in items if (match := _WAIT.fullmatch(item))]
    return Preferences("respond-async" in items, waits[0] if waits else None)
