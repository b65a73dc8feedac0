"""A job's progress as server-sent events (WHATWG HTML, section 9.2), which a client may leave and take up again."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from device_db import Job, Jobs
from service.jobs.waiting import has_ended
from service.state import AppState
from service.use_cases.describe_job import front_of

_SECONDS_BETWEEN_LOOKS: Final = 0.4
_SECONDS_BETWEEN_PINGS: Final = 15.0
# After which the client comes back by itself; a server that is being stopped need not wait for longer.
_LONGEST_SECONDS: Final = 300.0


def event_id(job: Job) -> str:
    """What the client has seen when it has seen the job like this; it changes whenever the job does."""
    return f"{job.state.value}-{job.attempts}-{job.progress.get('evaluations', 0)}"


async def job_events(state: AppState, job: Job, last_event_id: str | None) -> AsyncIterator[bytes]:
    """The job as it stands, whenever that changes; the last event is `end`.

    Each event holds everything of the ones before it, so that a client that comes back with the id of the last event it
    has seen has missed nothing: it gets the newest one, if that is another.
    """
    seen = last_event_id
    started = pinged = time.monotonic()
    while time.monotonic() - started < _LONGEST_SECONDS:
        now = event_id(job)
        if now != seen:
            kind = "end" if has_ended(job) else "progress"
            yield format_sse_event(event=kind, id=now, data_str=json.dumps(_summary(job)))
            seen, pinged = now, time.monotonic()
        elif time.monotonic() - pinged > _SECONDS_BETWEEN_PINGS:
            yield KEEPALIVE_COMMENT  # or proxies would close what seems idle
            pinged = time.monotonic()
        if has_ended(job):
            return
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        job = await run_in_threadpool(_read, state, job.id)


def _read(state: AppState, job_id: str) -> Job:
    with state.read_sessions() as session:
        return Jobs(session).get(job_id)


def _summary(job: Job) -> dict[str, Any]:
    front = front_of(job)
    progress = {name: value for name, value in job.progress.items() if name != "front"}
    return {"job": job.id, "state": job.state.value, "progress": progress, "front_size": len(front)}
