"""POST /synthesis."""

from fastapi import APIRouter, Depends, Response

from service.dependencies import StateDep, accept_json
from service.jobs.submission import submit
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.jobs import JobView
from service.schemas.synthesis import SynthesisRequest
from service.security import Scope, reading
from service.use_cases.build_circuit import build_circuit
from service.use_cases.describe_job import describe_job
from service.use_cases.synthesise import check_tools

router = APIRouter(tags=["targets"])


@router.post(
    "/synthesis",
    status_code=202,
    responses=problems(400, 413, 415, 501, 503)
    | {202: {"description": "Under way", "headers": {"Location": {"schema": {"type": "string"}}}}},
    dependencies=[Depends(reading(Scope.SEARCH)), Depends(accept_json)],
    openapi_extra=KEY_OPTIONAL,
)
def post_synthesis(body: SynthesisRequest, state: StateDep, response: Response) -> JobView:
    """LUTs, carry cells, registers and depth of a layer unrolled on FPGA fabric, counted by real synthesis.

    `Location` names the job, whose `result` has a row for each flow when it has succeeded. Circuits that an equal
    request has synthesised before are not synthesised again.
    """
    build_circuit(body)
    check_tools(body)
    job = submit(state, "synthesis", body)
    response.headers["Location"] = f"/jobs/{job.id}"
    return describe_job(job)
