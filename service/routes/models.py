"""/models: networks that users bring as ONNX."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from device_db import UploadedModels
from service.dependencies import ReadSessionDep, StateDep
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.models import ModelAnswer, ModelList
from service.security import Principal, Scope, reading, requiring
from service.uploads.body import media_type, spooled_body
from service.use_cases.add_model import add_model
from service.use_cases.describe_models import describe_model, list_models

router = APIRouter(prefix="/models", tags=["models"])
UploaderDep = Annotated[Principal, Depends(requiring(Scope.UPLOAD))]
HashInPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="hash that the upload answered")]
BindInQuery = Annotated[
    list[Annotated[str, Query(max_length=300)]],
    Query(max_length=64, description="`name=number` for each dynamic dimension, such as `batch=1`"),
]

MEDIA_TYPE = "application/octet-stream"
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {"required": True, "content": {MEDIA_TYPE: _FILE}}


async def get_body(request: Request, state: StateDep, _uploader: UploaderDep) -> AsyncIterator[BinaryIO]:
    """The uploaded file; read only once the key has been accepted."""
    media_type(request, (MEDIA_TYPE,))
    async with spooled_body(request, state.settings.max_model_size) as file:
        yield file


@router.post(
    "",
    status_code=201,
    responses=problems(413, 415, 503)
    | {
        200: {"model": ModelAnswer, "description": "A model of that graph was there already"},
        201: {"headers": {"Location": {"schema": {"type": "string"}}}},
    },
    openapi_extra={"requestBody": _BODY},
)
def post_model(
    body: Annotated[BinaryIO, Depends(get_body)],
    state: StateDep,
    uploader: UploaderDep,
    response: Response,
    bind: BindInQuery = [],  # noqa: B006  (FastAPI copies it)
) -> ModelAnswer:
    """Read an ONNX file: its layers, and the hash that is its architecture in the space `onnx`.

    The file must hold its weights; dynamic dimensions must be bound. Names, the order of nodes and the values of
    weights do not change the hash: the same network from another exporter is the same architecture.
    """
    with state.imports.slot():
        answer, is_new = add_model(state.sessions, state.settings, body.read(), bind, uploader.name)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/models/{answer.architecture}"
    return answer


@router.get("", responses=problems(503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_models(
    session: ReadSessionDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> ModelList:
    """Uploaded networks in the order of their arrival."""
    return list_models(session, limit, after)


@router.get("/{key}", responses=problems(404, 503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_model(key: HashInPath, session: ReadSessionDep) -> ModelAnswer:
    """One network with its layers and what of it was not understood."""
    return describe_model(session, key)


@router.get(
    "/{key}/onnx",
    response_class=Response,
    responses=problems(404, 503) | {200: {"content": {MEDIA_TYPE: _FILE}}},
    dependencies=[Depends(reading())],
    openapi_extra=KEY_OPTIONAL,
)
def get_model_file(key: HashInPath, session: ReadSessionDep) -> Response:
    """The file as it was uploaded first; 404 where it was too large to be kept."""
    return Response(UploadedModels(session).content(key), media_type=MEDIA_TYPE)
