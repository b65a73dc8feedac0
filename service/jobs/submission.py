"""Put a job into the queue, which is of bounded length for each kind."""

from typing import Final

from pydantic import BaseModel

from device_db import Job, Jobs, JobState
from service.errors import OverloadedError
from service.state import AppState

_RETRY_SECONDS: Final = 10


def submit(state: AppState, kind: str, request: BaseModel) -> Job:
    """The queued job; workers of this process are told. Raises: OverloadedError for too many of its kind."""
    with state.sessions.begin() as session:
        if Jobs(session).counts([kind]).get(JobState.queued, 0) >= state.settings.max_queued_jobs:
            raise OverloadedError("queued jobs", _RETRY_SECONDS)
        job = Jobs(session).create(kind, request.model_dump(mode="json"))
    state.bell.ring()
    return job
