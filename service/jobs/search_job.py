"""The job kind `search`."""

from typing import Any

from device_db import Job
from service.jobs.reporter import JobReporter
from service.schemas.searches import SearchRequest
from service.state import AppState
from service.use_cases.run_search import run_search


def run_search_job(state: AppState, job: Job, report: JobReporter) -> dict[str, Any]:
    """Run the search that the job's request holds; its answer as JSON."""
    request = SearchRequest.model_validate(job.request)
    with state.read_sessions() as session:
        spaces = state.spaces.current(session)
    answer = run_search(
        state.read_sessions,
        spaces,
        state.predictors,
        state.settings,
        request,
        job_id=job.id,
        stores=state.sessions,
        on_progress=report,
        is_to_stop=report.is_to_stop,
        on_preparation=lambda done, total: report.steps(done, total, "zero-cost proxies"),
        checkpoint=report.last_checkpoint(),
    )
    return answer.model_dump(mode="json")
