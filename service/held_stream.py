"""A streamed response that holds something, a slot or an open file, until it has ended."""

from contextlib import ExitStack
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class HeldStream(StreamingResponse):
    """Closes what it holds whether everything is sent or the client leaves, also before the first byte."""

    def __init__(self, content: Any, held: ExitStack, **options: Any):
        super().__init__(content, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `StreamingResponse`."""
        with self._held:
            await super().__call__(scope, receive, send)
