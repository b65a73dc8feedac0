"""POST /predict_latency."""

from collections import Counter

from fastapi import APIRouter, Depends

from service.dependencies import ReadSessionDep, SpacesDep, StateDep, accept_json
from service.openapi import KEY_OPTIONAL, problems
from service.schemas.predictions import PredictionAnswer, PredictionRequest
from service.security import Scope, reading
from service.use_cases.predict_latency import predict_latency

router = APIRouter(tags=["prediction"])


@router.post(
    "/predict_latency",
    responses=problems(400, 409, 413, 415, 503),
    dependencies=[Depends(reading(Scope.PREDICT)), Depends(accept_json)],
    openapi_extra=KEY_OPTIONAL,
)
def post_predict_latency(
    request: PredictionRequest, state: StateDep, session: ReadSessionDep, spaces: SpacesDep
) -> PredictionAnswer:
    """Latency of one or thousands of architectures on a device, with an interval and where each number comes from.

    409 where the device has too few samples to predict from; the answer says how many it has and needs.
    """
    with state.inference.slot():
        answer = predict_latency(session, spaces, state.predictors, request)
    for origin, count in Counter(result.origin for result in answer.results).items():
        state.metrics.predictions.labels(origin).inc(count)
    return answer
