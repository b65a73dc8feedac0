"""/devices and what belongs to one device."""

from contextlib import nullcontext
from functools import partial
from tempfile import TemporaryFile
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from device_db import DeviceKind
from service.dependencies import ReadSessionDep, SessionDep, SpacesDep, StateDep, accept_json
from service.onnx_bundle import MEDIA_TYPE
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.device_predictors import DevicePredictor
from service.schemas.devices import DeviceDetail, DeviceList, NewDevice, SuggestionList
from service.schemas.fields import NAME_PATTERN, Interval
from service.security import Scope, reading, requiring
from service.use_cases.bundle_suggestions import bundle_suggestions
from service.use_cases.describe_devices import describe_device, list_devices
from service.use_cases.describe_predictor import PredictorQuery, describe_predictor
from service.use_cases.register_device import register_device
from service.use_cases.suggest_architectures import suggest_architectures

_CHUNK_BYTES: Final = 1 << 20

router = APIRouter(prefix="/devices", tags=["devices"])

NameInPath = Annotated[str, Path(pattern=NAME_PATTERN, max_length=100)]
SpaceInQuery = Annotated[str, Query(pattern=NAME_PATTERN, max_length=100, examples=["nb201"])]


@router.get("", responses=problems(404, 503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_devices(
    session: ReadSessionDep, spaces: SpacesDep, kind: DeviceKind | None = None, space: SpaceInQuery | None = None
) -> DeviceList:
    """Devices by name, with the number of measured architectures; `space` keeps those with samples in that space."""
    return list_devices(session, spaces, kind, space)


@router.post(
    "",
    status_code=201,
    responses=problems(400, 409, 413, 415, 503) | {201: {"headers": {"Location": {"schema": {"type": "string"}}}}},
    dependencies=[Depends(requiring(Scope.UPLOAD)), Depends(accept_json)],
)
def post_device(request: NewDevice, session: SessionDep, response: Response) -> DeviceDetail:
    """Register a device that will be measured; then upload its timings."""
    response.headers["Location"] = f"/devices/{request.name}"
    return register_device(session, request)


@router.get("/{name}", responses=problems(404, 503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_device(name: NameInPath, session: ReadSessionDep) -> DeviceDetail:
    """One device: its samples, predictor versions, and the hardware behind a simulated one."""
    return describe_device(session, name)


@router.get(
    "/{name}/suggestions",
    response_model=SuggestionList,
    responses=problems(404, 409, 503) | {200: {"content": {MEDIA_TYPE: {}}}},
    dependencies=[Depends(reading())],
    openapi_extra=KEY_OPTIONAL,
)
def get_suggestions(
    name: NameInPath,
    space: SpaceInQuery,
    state: StateDep,
    session: ReadSessionDep,
    spaces: SpacesDep,
    count: Annotated[int, Query(ge=1, le=200, description="50 at most in an archive")] = 20,
    answer_format: Annotated[Literal["json", "zip"], Query(alias="format")] = "json",
) -> SuggestionList | Response:
    """Which architectures to time next: greedily D-optimal over their costs, none measured before.

    As `zip` an archive of their ONNX files, with a `manifest.json` that names the architecture of each and the columns
    of an upload. 409 for a simulated device, which needs no timings.
    """
    with state.suggestions.slot():
        suggested = suggest_architectures(session, spaces, name, space, count)
        if answer_format == "json":
            return suggested
        file = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
        try:
            bundle_suggestions(session, spaces, suggested, file)
        except BaseException:
            file.close()
            raise
    size = file.tell()
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{space}.zip"', "Content-Length": str(size)}
    chunks = iter(partial(file.read, _CHUNK_BYTES), b"")
    return StreamingResponse(chunks, media_type=MEDIA_TYPE, headers=headers, background=BackgroundTask(file.close))


@router.get(
    "/{name}/predictor",
    responses=problems(404, 409, 503),
    dependencies=[Depends(reading())],
    openapi_extra=KEY_OPTIONAL,
)
def get_predictor(
    name: NameInPath,
    space: SpaceInQuery,
    state: StateDep,
    session: ReadSessionDep,
    spaces: SpacesDep,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the one in use unless given")] = None,
    next_count: Annotated[int, Query(alias="next", ge=0, le=50, description="suggestions of what to measure")] = 5,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="samples to skip")] = 0,
    limit: Annotated[int, Query(ge=0, le=1000, description="samples to list")] = 100,
    interval: Annotated[Interval, Query()] = 0.9,
) -> DevicePredictor:
    """A version of the device's predictor: what it rests on, its errors on left-out samples, what to measure next.

    409 where the device has too few samples for a predictor. A simulated device answers with its cost model.
    """
    query = PredictorQuery(version, next_count, offset, limit, interval)
    with state.suggestions.slot() if next_count else nullcontext():
        return describe_predictor(session, spaces, state.predictors, name, space, query)
