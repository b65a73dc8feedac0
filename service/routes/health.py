"""/healthz, /readyz and /metrics."""

from typing import Literal

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from pydantic import BaseModel

from device_db import Jobs, JobState
from service.dependencies import ReadSessionDep, StateDep
from service.openapi import KEY_OPTIONAL, problems
from service.security import reading
from service.use_cases.check_readiness import check_readiness

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
def healthz() -> Health:
    """The process is alive; looks at nothing else."""
    return Health()


@router.get("/readyz", responses=problems(503))
def readyz(state: StateDep) -> Health:
    """The database can be reached and has the schema of this version; 503 says what is missing."""
    check_readiness(state.engine)
    return Health()


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=problems(503),
    dependencies=[Depends(reading())],
    openapi_extra=KEY_OPTIONAL,
)
def metrics(state: StateDep, session: ReadSessionDep) -> PlainTextResponse:
    """Requests, predictions and jobs in the text format of Prometheus."""
    counts = Jobs(session).counts()
    for job_state in JobState:
        state.metrics.jobs.labels(job_state).set(counts.get(job_state, 0))
    return PlainTextResponse(generate_latest(state.metrics.registry), media_type="text/plain; version=0.0.4")
