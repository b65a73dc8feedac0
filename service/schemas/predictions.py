"""Bodies of POST /predict_latency."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.schemas.fields import DeviceName, Interval, NotationField, Origin, SpaceName


class PredictionRequest(BaseModel):
    """Which architectures on which device; either `architecture` or `architectures`."""

    model_config = ConfigDict(extra="forbid")

    space: SpaceName
    device: DeviceName
    architecture: NotationField | None = None
    architectures: Annotated[list[NotationField], Field(min_length=1, max_length=100_000)] | None = None
    interval: Interval = 0.9

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.architecture is None) == (self.architectures is None):
            raise ValueError("give either `architecture` or `architectures`")
        return self


class PredictorInfo(BaseModel):
    """What the numbers come from.

    For a simulated device the name is the cost model's, the version is 1, and there are no samples.
    """

    name: str
    version: int
    samples: int


class LatencyResult(BaseModel):
    """Latency of one architecture; the bounds equal the value where it was measured or simulated."""

    architecture: str = Field(description="canonical notation")
    latency_ms: float
    lower_ms: float
    upper_ms: float
    origin: Origin


class PredictionAnswer(BaseModel):
    """One result for each architecture asked for, in the same order."""

    device: str
    space: str
    predictor: PredictorInfo
    results: list[LatencyResult]
