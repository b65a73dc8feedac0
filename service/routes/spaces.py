"""GET /spaces."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from service.dependencies import ReadSessionDep, SpacesDep, StateDep
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.fields import NAME_PATTERN
from service.schemas.spaces import SpaceList
from service.security import reading
from service.use_cases.describe_spaces import list_spaces
from service.use_cases.export_network import export_network

router = APIRouter(tags=["spaces"])


@router.get("/spaces", responses=problems(503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_spaces(session: ReadSessionDep, spaces: SpacesDep) -> SpaceList:
    """Every search space with its choices and the accuracies imported for it."""
    return list_spaces(session, spaces)


MEDIA_TYPE = "application/octet-stream"
_FILE: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/spaces/{name}/onnx",
    response_class=Response,
    responses=problems(404, 503) | {200: {"content": _FILE}},
    dependencies=[Depends(reading())],
    openapi_extra=KEY_OPTIONAL,
)
def get_network(
    name: Annotated[str, Path(pattern=NAME_PATTERN, max_length=100)],
    architecture: Annotated[str, Query(max_length=2000, description="any notation of the space that is a string")],
    state: StateDep,
    session: ReadSessionDep,
    spaces: SpacesDep,
    batch: Annotated[int, Query(ge=1, le=1024, description="samples of one run; an uploaded network has its own")] = 1,
) -> Response:
    """An architecture as an ONNX file to time: with untrained weights, or the file as it was uploaded."""
    with state.imports.slot():
        return Response(export_network(session, spaces, name, architecture, batch), media_type=MEDIA_TYPE)
