"""/jobs/{id}."""

import tempfile
from contextlib import ExitStack
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from device_db import Job, Jobs
from service.dependencies import ReadSessionDep, StateDep
from service.errors import FieldError, InvalidRequestError, NoFrontError
from service.front_export import TABLES, write_onnx_zip
from service.front_plot import PICTURES, plot_front
from service.held_stream import HeldStream
from service.jobs.events import event_id, job_events, standing
from service.jobs.waiting import cancel_and_wait, has_ended
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.jobs import FrontPage, JobView
from service.security import Scope, reading
from service.state import AppState
from service.use_cases.describe_job import describe_job, front_of

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[Depends(reading(Scope.SEARCH))])

JobId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]+$", max_length=64)]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="members before the first one wanted")]

_NETWORKS: Final = 20
_MOST_NETWORKS: Final = 100
_CHUNK_SIZE: Final = 256 * 1024
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events until the job ends"},
    204: {"description": "The job has ended and `Last-Event-ID` is its last event: nothing more will come"},
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {media_type: {} for media_type, _ in TABLES.values()}
        | {media_type: {} for media_type in ("application/zip", *PICTURES.values())},
    }
}


@router.get("/{job_id}", responses=problems(404, 503), openapi_extra=KEY_OPTIONAL)
def get_job(job_id: JobId, session: ReadSessionDep) -> JobView:
    """State, progress and the front so far; `result` when it succeeded, `problem` when it failed."""
    return describe_job(Jobs(session).get(job_id))


@router.delete("/{job_id}", responses=problems(404, 503), openapi_extra=KEY_OPTIONAL)
def delete_job(job_id: JobId, state: StateDep) -> JobView:
    """Cancel the job and answer how it stands then; its record stays readable.

    A queued job ends at once, a running one within about a second and keeps the front it found. A job that has ended
    stays as it is, so that cancelling twice does no harm.
    """
    return describe_job(cancel_and_wait(state, job_id))


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses=problems(404, 503) | _EVENTS,
    openapi_extra=KEY_OPTIONAL,
)
def get_job_events(
    job_id: JobId, state: StateDep, last_event_id: Annotated[str | None, Header(max_length=200)] = None
) -> Response:
    """Progress as server-sent events: `progress` whenever something has changed, `end` at last.

    Each event tells all that the ones before it did. A client that comes back with `Last-Event-ID`, as browsers do by
    themselves, gets what has changed since.
    """
    job = standing(state, job_id)
    if has_ended(job) and last_event_id == event_id(job):
        return Response(status_code=204)
    slot = ExitStack()
    slot.enter_context(state.event_streams.slot())
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = job_events(state, job_id, job, last_event_id)
    return HeldStream(events, slot, media_type="text/event-stream", headers=headers)


@router.get("/{job_id}/front", responses=problems(404, 503), openapi_extra=KEY_OPTIONAL)
def get_job_front(
    job_id: JobId,
    session: ReadSessionDep,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> FrontPage:
    """A page of the front: of the result, or of what a running or cancelled search has found so far."""
    job = Jobs(session).get(job_id)
    front = front_of(job)
    page = front[offset : offset + limit]
    following = offset + limit if offset + limit < len(front) else None
    return FrontPage(job=job.id, state=job.state, total=len(front), offset=offset, next_offset=following, front=page)


@router.get(
    "/{job_id}/front.{extension}",
    response_class=Response,
    responses=problems(404, 409, 501, 503) | _FILE,
    openapi_extra=KEY_OPTIONAL,
)
def get_job_front_file(
    job_id: JobId,
    extension: Literal["csv", "json", "parquet", "zip", "svg", "png"],
    state: StateDep,
    offset: Offset = 0,
    limit: Annotated[int | None, Query(ge=1, le=1_000, description="so many members alone")] = None,
) -> Response:
    """The front as a file: a table, a picture, or as `zip` the networks of its members as ONNX with untrained weights.

    Members in members become columns named after both, as in `devices.pixel3.lower_ms`. A ZIP has 20 members unless
    `limit` says otherwise, 100 at most; with `offset` the next ones follow. `Front-Total` counts those of the front.
    """
    if extension == "zip" and limit is not None and limit > _MOST_NETWORKS:
        reason = f"a ZIP holds {_MOST_NETWORKS} networks at most, got {limit}; offset leads to the next ones"
        raise InvalidRequestError([FieldError(reason, parameter="limit")])
    job = _read(state, job_id)
    whole = front_of(job)
    if not whole[offset:]:
        raise NoFrontError(job.id, job.state, len(whole))
    headers = {
        "Content-Disposition": f'attachment; filename="front-{job.id}.{extension}"',
        "Front-Total": str(len(whole)),
    }
    if extension == "zip":
        with state.suggestions.slot():
            return _networks(job, whole[offset : offset + (limit or _NETWORKS)], headers)
    front = whole[offset : None if limit is None else offset + limit]
    if extension in PICTURES:
        body, media_type = _picture(job, front, extension), PICTURES[extension]
    else:
        media_type, write = TABLES[extension]
        body = write(front)
    return Response(body, media_type=media_type, headers=headers)


def _networks(job: Job, front: list[dict[str, Any]], headers: dict[str, str]) -> Response:
    """A ZIP, on disk while it is written and sent: hundreds of megabytes."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        write_onnx_zip(job.request["space"], front, file)
        length = {"Content-Length": str(file.tell())}
        file.seek(0)
        kept = stack.pop_all()
    chunks = iter(lambda: file.read(_CHUNK_SIZE), b"")
    return HeldStream(chunks, kept, media_type="application/zip", headers=headers | length)


def _picture(job: Job, front: list[dict[str, Any]], kind: str) -> bytes:
    request = job.request
    device = request.get("device") or ", ".join(request.get("devices", []))
    return plot_front(front, request["objectives"], f"{request['space']} on {device}", kind)


def _read(state: AppState, job_id: str) -> Job:
    """The job, without a connection held while a file is written or events go out. Raises: JobNotFoundError."""
    with state.read_sessions() as session:
        return Jobs(session).get(job_id)
