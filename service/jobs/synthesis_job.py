"""The job kind `synthesis`."""

from typing import Any

from device_db import Job
from service.jobs.reporter import JobReporter
from service.schemas.synthesis import SynthesisRequest
from service.state import AppState
from service.use_cases.synthesise import synthesise
from targets.fpga.errors import SynthesisCancelledError


def run_synthesis_job(state: AppState, job: Job, report: JobReporter) -> dict[str, Any]:
    """Synthesise what the job's request holds; its answer as JSON, nothing once it is cancelled."""
    request = SynthesisRequest.model_validate(job.request)
    try:
        answer = synthesise(state.sessions, state.settings, request, on_progress=report.steps)
    except SynthesisCancelledError:
        return {}
    return answer.model_dump(mode="json")
