"""GET /spaces."""

from fastapi import APIRouter, Depends

from service.dependencies import ReadSessionDep, SpacesDep
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.spaces import SpaceList
from service.security import reading
from service.use_cases.describe_spaces import list_spaces

router = APIRouter(tags=["spaces"])


@router.get("/spaces", responses=problems(503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_spaces(session: ReadSessionDep, spaces: SpacesDep) -> SpaceList:
    """Every search space with its choices and the accuracies imported for it."""
    return list_spaces(session, spaces)
