"""/jobs/{id}."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from device_db import Job, Jobs
from service.dependencies import ReadSessionDep, StateDep
from service.errors import NoFrontError
from service.front_export import TABLES, to_onnx_zip
from service.front_plot import PICTURES, plot_front
from service.jobs.events import event_id, job_events
from service.jobs.waiting import cancel_and_wait, has_ended
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.jobs import FrontPage, JobView
from service.security import Scope, reading
from service.state import AppState
from service.use_cases.describe_job import describe_job, front_of

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[Depends(reading(Scope.SEARCH))])

JobId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]+$", max_length=64)]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="members before the first one wanted")]

_MOST_NETWORKS: Final = 100
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
    job = _read(state, job_id)
    if has_ended(job) and last_event_id == event_id(job):
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(job_events(state, job, last_event_id), media_type="text/event-stream", headers=headers)


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
    limit: Annotated[int | None, Query(ge=1, le=1_000, description="first members alone")] = None,
) -> Response:
    """The front as a file: a table, a picture, or as `zip` the networks of its members as ONNX with untrained weights.

    Members in members become columns named after both, as in `devices.pixel3.lower_ms`. A ZIP has the first 20 members
    unless `limit` says otherwise, 100 at most.
    """
    job = _read(state, job_id)
    front = front_of(job)
    if not front:
        raise NoFrontError(job.id, job.state)
    if extension == "zip":
        with state.suggestions.slot():
            body = to_onnx_zip(job.request["space"], front[: min(limit or 20, _MOST_NETWORKS)])
        media_type = "application/zip"
    elif extension in PICTURES:
        body, media_type = _picture(job, front[:limit], extension), PICTURES[extension]
    else:
        media_type, write = TABLES[extension]
        body = write(front[:limit])
    headers = {"Content-Disposition": f'attachment; filename="front-{job.id}.{extension}"'}
    return Response(body, media_type=media_type, headers=headers)


def _picture(job: Job, front: list[dict[str, Any]], kind: str) -> bytes:
    request = job.request
    device = request.get("device") or ", ".join(request.get("devices", []))
    return plot_front(front, request["objectives"], f"{request['space']} on {device}", kind)


def _read(state: AppState, job_id: str) -> Job:
    """The job, without a connection held while a file is written or events go out. Raises: JobNotFoundError."""
    with state.read_sessions() as session:
        return Jobs(session).get(job_id)
