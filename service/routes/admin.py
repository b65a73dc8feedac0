"""/admin/measurements: bulk upload, the list of uploads, and undoing one."""

from collections.abc import AsyncIterator
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from device_db import Measurements
from service.dependencies import ReadSessionDep, SpacesDep, StateDep
from service.openapi import problems, upload_body
from service.schemas.uploads import UndoAnswer, UploadAnswer, UploadList, UploadSummary
from service.security import Principal, Scope, requiring
from service.uploads import FORMATS
from service.uploads.body import media_type, spooled_body
from service.use_cases.undo_upload import undo_upload
from service.use_cases.upload_measurements import UploadOptions, upload_measurements

router = APIRouter(prefix="/admin/measurements", tags=["measurements"])
UploaderDep = Annotated[Principal, Depends(requiring(Scope.UPLOAD))]
DryRunQuery = Annotated[bool, Query(description="check everything, store nothing")]
OnErrorQuery = Annotated[Literal["abort", "skip"], Query(description="skip stores the good rows")]

BatchInPath = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]+$", max_length=64)]

_CSV = "device,space,architecture,latency_ms,batch_size,precision\nmy-board,nb201,4-3-2-1-3-3,57.2,1,fp32\n"


async def get_body(request: Request, state: StateDep, _uploader: UploaderDep) -> AsyncIterator[tuple[str, BinaryIO]]:
    """Media type and body of an upload, spooled; read only once the key has been accepted."""
    name = media_type(request, tuple(FORMATS))
    async with spooled_body(request, state.settings.max_upload_size) as file:
        yield name, file


@router.post("", responses=problems(413, 415, 503), openapi_extra={"requestBody": upload_body(FORMATS, _CSV)})
def upload(
    body: Annotated[tuple[str, BinaryIO], Depends(get_body)],
    state: StateDep,
    spaces: SpacesDep,
    uploader: UploaderDep,
    dry_run: DryRunQuery = False,
    on_error: OnErrorQuery = "abort",
    check_units: Annotated[bool, Query(description="refuse latencies that look about 1000x off")] = True,
) -> UploadAnswer:
    """Store latencies and adapt the predictors of their devices.

    Columns: device, space, architecture, latency_ms; optional unit (ms), statistic, runs, batch_size, precision,
    runtime, runtime_version, input_shape, measured_at, layer_ms. One bad row refuses the whole upload, unless
    `on_error=skip`.

    `layer_ms` is a list of numbers (JSON text in CSV and Parquet): what each layer of the network took, in the order of
    the layers that `breakdown` of `POST /predict_latency` names; 0 of a layer that ran together with another, whose
    number has the time of both. Together at most `latency_ms`; what is left is between layers. At most 20,000 numbers
    in a row and 10,000 rows that have them. It goes when the row goes.
    """
    name, file = body
    options = UploadOptions(dry_run, on_error, check_units, uploader.name, name, uploader.key_id)
    outcome = upload_measurements(state.engine, spaces, state.candidates, file, FORMATS[name], options)
    return UploadAnswer.of(outcome, dry_run=dry_run)


@router.get("", responses=problems(503), dependencies=[Depends(requiring(Scope.UPLOAD))])
def uploads(session: ReadSessionDep) -> UploadList:
    """Every upload that has not been undone, newest first."""
    stored = Measurements(session).list_uploads()
    return UploadList(
        uploads=[
            UploadSummary(
                batch=upload.id,
                uploader=upload.uploader,
                source=upload.source,
                created_at=upload.created_at,
                inserted=upload.inserted,
                updated=upload.updated,
                unchanged=upload.unchanged,
            )
            for upload in stored
        ]
    )


@router.delete("/{batch}", responses=problems(404, 503))
def undo(batch: BatchInPath, state: StateDep, spaces: SpacesDep, uploader: UploaderDep) -> UndoAnswer:
    """Undo one upload: its rows go, what they replaced counts again, the predictors follow.

    A key with the scope `upload` undoes its own uploads, `admin` anybody's and those made without a key.
    """
    outcome = undo_upload(
        state.engine,
        spaces,
        state.candidates,
        batch,
        api_key_id=uploader.key_id,
        may_undo_any=uploader.allows(),
    )
    return UndoAnswer.of(outcome, batch=batch)
