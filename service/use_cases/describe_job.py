"""Tell how a job stands."""

from typing import Any, Final

from device_db import Job
from service.problems import ProblemType, problem_document
from service.schemas.jobs import JobProgress, JobView

PROGRESS: Final = ("evaluations", "limit", "seconds", "failed", "front_size", "preparing")
_LOST = ProblemType(500, "job-lost", "Job lost")


def describe_job(job: Job) -> JobView:
    """The job with its progress, its front so far, and its result or problem."""
    return JobView(
        job=job.id,
        kind=job.kind,
        state=job.state,
        cancel_requested=job.cancel_requested,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        progress=JobProgress.model_validate(progress_of(job)),
        front=job.progress.get("front", []),
        result=job.result or None,  # pyright: ignore[reportArgumentType]  (pydantic validates the stored JSON)
        problem=_problem(job),
    )


def progress_of(job: Job) -> dict[str, Any]:
    """How far it is, without the front; of a job that has a result, what that says."""
    result = job.result or {}
    ended = {name: result[name] for name in PROGRESS if result.get(name) is not None}
    return {name: value for name, value in job.progress.items() if name != "front"} | ended


def front_of(job: Job) -> list[dict[str, Any]]:
    """The final front, or the one so far, which has the metrics alone."""
    result = job.result or {}
    return result.get("front") or job.progress.get("front", [])


def _problem(job: Job) -> dict[str, Any] | None:
    """The stored problem; a job that lost its workers has only the reason."""
    if job.error is None or "status" in job.error:
        return job.error
    return problem_document(_LOST, str(job.error.get("reason", "the job failed")))
