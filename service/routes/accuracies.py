"""/admin/accuracies: bulk upload, what there is, and removing a table."""

from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Query

from device_db import Accuracies
from service.dependencies import ReadSessionDep, SessionDep, SpacesDep, StateDep
from service.errors import NoAccuraciesError
from service.lookup import find_space
from service.openapi import problems, upload_body
from service.routes.admin import DryRunQuery, OnErrorQuery, UploaderDep, get_body
from service.schemas.accuracies import AccuracyTable, AccuracyTables, AccuracyUploadAnswer, RemovedAccuracies
from service.schemas.fields import NAME_PATTERN
from service.security import Scope, requiring
from service.uploads import FORMATS
from service.use_cases.upload_accuracies import upload_accuracies
from service.use_cases.upload_measurements import UploadOptions

router = APIRouter(prefix="/admin/accuracies", tags=["accuracies"])

_CSV = "space,dataset,architecture,accuracy\nnb201,cifar10,4-3-2-1-3-3,93.2\n"


@router.post("", responses=problems(413, 415, 503), openapi_extra={"requestBody": upload_body(FORMATS, _CSV)})
def upload(
    body: Annotated[tuple[str, BinaryIO], Depends(get_body)],
    state: StateDep,
    spaces: SpacesDep,
    uploader: UploaderDep,
    dry_run: DryRunQuery = False,
    on_error: OnErrorQuery = "abort",
    check_units: Annotated[bool, Query(description="refuse accuracies that look like shares")] = True,
) -> AccuracyUploadAnswer:
    """Store test accuracies in %, which searches then use and learn from; a value that is there already is replaced.

    Columns: space, dataset, architecture, accuracy; optional source. One bad row refuses the whole upload, unless
    `on_error=skip`.
    """
    name, file = body
    options = UploadOptions(dry_run, on_error, check_units, uploader.name, name, uploader.key_id)
    outcome = upload_accuracies(state.engine, spaces, file, FORMATS[name], options)
    return AccuracyUploadAnswer.of(outcome, dry_run=dry_run)


@router.get("", responses=problems(503), dependencies=[Depends(requiring(Scope.UPLOAD))])
def tables(session: ReadSessionDep) -> AccuracyTables:
    """How many accuracies there are, by space, data set and source."""
    counts = Accuracies(session).counts()
    return AccuracyTables(tables=[AccuracyTable.model_validate(each, from_attributes=True) for each in counts])


@router.delete("", responses=problems(404, 503), dependencies=[Depends(requiring(Scope.ADMIN))])
def remove(
    session: SessionDep,
    spaces: SpacesDep,
    space: Annotated[str, Query(pattern=NAME_PATTERN, max_length=100)],
    dataset: Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00]*$")],
) -> RemovedAccuracies:
    """Remove every accuracy of a space on a data set."""
    removed = Accuracies(session).remove(find_space(spaces, space).name, dataset)
    if not removed:
        raise NoAccuraciesError(space, dataset)
    return RemovedAccuracies(space=space, dataset=dataset, removed=removed)
