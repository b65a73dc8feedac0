"""GET /targets and POST /simulate."""

from fastapi import APIRouter, Depends

from service.dependencies import SpacesDep, StateDep, accept_json
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.simulation import SimulationAnswer, SimulationRequest, TargetList
from service.security import Scope, reading
from service.use_cases.describe_targets import list_targets
from service.use_cases.simulate import simulate

router = APIRouter(tags=["targets"])


@router.get("/targets", responses=problems(503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_targets() -> TargetList:
    """Hardware that exists as a description: costs of any workload can be computed for it."""
    return list_targets()


@router.post(
    "/simulate",
    responses=problems(400, 413, 415, 503),
    dependencies=[Depends(reading(Scope.PREDICT)), Depends(accept_json)],
    openapi_extra=KEY_OPTIONAL,
)
def post_simulate(request: SimulationRequest, state: StateDep, spaces: SpacesDep) -> SimulationAnswer:
    """Cycles, latency, energy by part and area of one run, with a row for each layer.

    What runs is an architecture of a space, a language model, or a list of layers.
    """
    with state.inference.slot():
        return simulate(spaces, request)
