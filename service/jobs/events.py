"""A job's progress as server-sent events (WHATWG HTML, section 9.2), which a client may leave and take up again."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from device_db import Jobs, JobStanding, JobState
from service.jobs.waiting import has_ended
from service.state import AppState
from service.use_cases.describe_job import PROGRESS, front_of, progress_of

_SECONDS_BETWEEN_LOOKS: Final = 0.4
_SECONDS_BETWEEN_PINGS: Final = 15.0
# After which the client comes back by itself; a server that is being stopped need not wait for longer.
_LONGEST_SECONDS: Final = 300.0


def event_id(job: JobStanding) -> str:
    """What the client has seen when it has seen the job like this; it changes whenever the job does."""
    return f"{job.state.value}-{job.attempts}-{job.progress['evaluations'] or 0}"


def standing(state: AppState, job_id: str) -> JobStanding:
    """How the job stands; cheap, however large its front is. Raises: JobNotFoundError."""
    with state.read_sessions() as session:
        return Jobs(session).standing(job_id, PROGRESS)


async def job_events(state: AppState, job_id: str, job: JobStanding, last_event_id: str | None) -> AsyncIterator[bytes]:
    """The job as it stands, whenever that changes; the last event is `end`.

    Each event holds everything of the ones before it, so that a client that comes back with the id of the last event it
    has seen has missed nothing: it gets the newest one, if that is another.
    """
    seen = last_event_id
    started = pinged = time.monotonic()
    while time.monotonic() - started < _LONGEST_SECONDS:
        now = event_id(job)
        if now != seen:
            if has_ended(job):
                yield await run_in_threadpool(_end, state, job_id, now)
            else:
                yield _event("progress", now, _summary(job_id, job.state, _known(job.progress)))
            seen, pinged = now, time.monotonic()
        elif time.monotonic() - pinged > _SECONDS_BETWEEN_PINGS:
            yield KEEPALIVE_COMMENT  # or proxies would close what seems idle
            pinged = time.monotonic()
        if has_ended(job):
            return
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        job = await run_in_threadpool(standing, state, job_id)


def _end(state: AppState, job_id: str, event: str) -> bytes:
    with state.read_sessions() as session:
        job = Jobs(session).get(job_id)
    size = {"front_size": len(front_of(job))}  # of a job that failed or was cancelled before it had a result
    return _event("end", event, _summary(job_id, job.state, size | progress_of(job)))


def _event(kind: str, event: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(event=kind, id=event, data_str=json.dumps(data))


def _summary(job_id: str, state: JobState, progress: dict[str, Any]) -> dict[str, Any]:
    return {"job": job_id, "state": state.value, "progress": progress, "front_size": progress.get("front_size", 0)}


def _known(progress: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in progress.items() if value is not None}
