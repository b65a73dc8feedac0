"""POST /encode and GET /encodings."""

from fastapi import APIRouter, Depends

from service.dependencies import SpacesDep, StateDep, accept_json
from service.openapi import KEY_OPTIONAL, problems
from service.proxy_sources import encoders_of
from service.schemas.encodings import EncodingAnswer, EncodingList, EncodingRequest
from service.security import Scope, reading
from service.use_cases.encode_architectures import encode_architectures, list_encodings

router = APIRouter(tags=["encodings"])


@router.post(
    "/encode",
    responses=problems(400, 409, 413, 415, 503),
    dependencies=[Depends(reading(Scope.PREDICT)), Depends(accept_json)],
    openapi_extra=KEY_OPTIONAL,
)
def post_encode(request: EncodingRequest, state: StateDep) -> EncodingAnswer:
    """Architectures as vectors, one table per encoding, rows in the order asked.

    Zero-cost proxies are kept in the database; of more than a few architectures that lack them, 409 says how to
    compute them first.
    """
    with state.read_sessions() as session:  # not for the whole request, as proxies take long
        spaces = state.spaces.current(session)
    encoders = encoders_of(state.sessions, state.settings.max_uncached_proxies, request.proxies)
    with state.inference.slot():
        return encode_architectures(spaces, encoders, request)


@router.get("/encodings", responses=problems(503), dependencies=[Depends(reading())], openapi_extra=KEY_OPTIONAL)
def get_encodings(spaces: SpacesDep) -> EncodingList:
    """Every encoding with its dimension on each space that it covers."""
    return list_encodings(spaces)
