"""/jobs/{id}."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from device_db import Jobs
from service.dependencies import ReadSessionDep, StateDep
from service.jobs.waiting import cancel_and_wait
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.jobs import JobView
from service.security import Scope, reading
from service.use_cases.describe_job import describe_job

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[Depends(reading(Scope.SEARCH))])

JobId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]+$", max_length=64)]


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
