"""POST /search."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from device_db import Job, JobState
from service.dependencies import StateDep, accept_json
from service.errors import OverloadedError, SearchCancelledError
from service.jobs.submission import submit
from service.jobs.waiting import wait_for
from service.openapi import KEY_OPTIONAL, problems
from service.preferences import Preferences, parse_preferences
from service.problems import problem_response
from service.schemas.jobs import JobView
from service.schemas.searches import SearchAnswer, SearchRequest
from service.security import Scope, reading
from service.state import AppState
from service.use_cases.check_search import check_search
from service.use_cases.describe_job import describe_job

router = APIRouter(tags=["search"])

_ACCEPTED = {
    "model": JobView,
    "description": "The search goes on; `Location` names its job",
    "headers": {"Location": {"schema": {"type": "string"}}, "Preference-Applied": {"schema": {"type": "string"}}},
}


@router.post(
    "/search",
    response_model=SearchAnswer,
    responses=problems(400, 409, 413, 415, 503) | {202: _ACCEPTED},
    dependencies=[Depends(reading(Scope.SEARCH)), Depends(accept_json)],
    openapi_extra=KEY_OPTIONAL,
)
def post_search(
    body: SearchRequest, request: Request, state: StateDep, prefer: Annotated[str | None, Header()] = None
) -> Response:
    """The Pareto front of a space on a device.

    200 with the front if it is found while the server waits; else, and at once with `Prefer: respond-async`
    (RFC 7240), 202 with the job. `Prefer: wait=SECONDS` shortens the wait. 422 names the best reachable value where no
    architecture meets a limit. A search that somebody cancels meanwhile is 200 with the front found until then, or 409.
    """
    job = _submit(state, body)
    preferences = parse_preferences(prefer or "")
    headers = {"Preference-Applied": preferences.applied} if preferences.applied else {}
    job = _wait(state, job, preferences)
    if job.state is JobState.succeeded or (job.state is JobState.cancelled and job.result and job.result["front"]):
        return JSONResponse(job.result, headers=headers)
    if job.state is JobState.cancelled:
        raise SearchCancelledError(job.id)
    view = describe_job(job)
    if job.state is JobState.failed and view.problem is not None:
        return problem_response(request, view.problem, headers)
    return JSONResponse(view.model_dump(mode="json"), 202, headers | {"Location": f"/jobs/{job.id}"})


def _submit(state: AppState, body: SearchRequest) -> Job:
    with state.read_sessions() as session:
        check_search(session, state.spaces.current(session), state.predictors, state.settings, body)
    return submit(state, "search", body)


def _wait(state: AppState, job: Job, preferences: Preferences) -> Job:
    if preferences.respond_async:
        return job
    seconds = state.settings.search_wait_seconds
    if preferences.wait_seconds is not None:
        seconds = min(seconds, preferences.wait_seconds)
    try:
        with state.search_waits.slot():
            return wait_for(state, job.id, seconds)
    except OverloadedError:
        return job  # waiting would keep other requests from a thread
