"""Put a job into the queue, which is of bounded length for each kind."""

from typing import Final

from pydantic import BaseModel

from device_db import Job, Jobs, QueueFullError
from service.errors import OverloadedError
from service.state import AppState

_RETRY_SECONDS: Final = 10


def submit(state: AppState, kind: str, request: BaseModel) -> Job:
    """The queued job; workers of this process are told. Raises: OverloadedError for too many of its kind."""
    try:
        with state.sessions.begin() as session:
            job = Jobs(session).create(
                kind, request.model_dump(mode="json"), most_queued=state.settings.max_queued_jobs
            )
    except QueueFullError as error:
        raise OverloadedError("queued jobs", _RETRY_SECONDS) from error
    state.bell.ring()
    return job
