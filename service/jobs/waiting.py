"""Wait for a job to end: woken by workers of this process, polling for those of others."""

import time
from typing import Final

from device_db import Job, Jobs, JobStanding, JobState
from service.jobs.identity import is_dead
from service.state import AppState

_ENDED: Final = frozenset({JobState.succeeded, JobState.failed, JobState.cancelled})
_POLL_SECONDS: Final = 0.25
_CANCEL_SECONDS: Final = 2.0


def has_ended(job: Job | JobStanding) -> bool:
    """Whether the job will not change any more."""
    return job.state in _ENDED


def wait_for(state: AppState, job_id: str, seconds: float) -> Job:
    """The job when it has ended, or as it stands after `seconds`. Raises: JobNotFoundError."""
    deadline = time.monotonic() + seconds
    while True:
        seen = state.bell.rings
        with state.read_sessions() as session:
            job = Jobs(session).get(job_id)
        left = deadline - time.monotonic()
        if has_ended(job) or left <= 0:
            return job
        state.bell.wait(seen, min(_POLL_SECONDS, left))


def cancel_and_wait(state: AppState, job_id: str) -> Job:
    """The job after its cancellation, which a running job needs a moment for. Raises: JobNotFoundError."""
    with state.sessions.begin() as session:
        jobs = Jobs(session)
        worker = jobs.cancel(job_id).worker
        if worker is not None and is_dead(worker):
            jobs.requeue_lost([worker])  # which ends it: nobody else would, before it is stale
    state.bell.ring()
    return wait_for(state, job_id, _CANCEL_SECONDS)
