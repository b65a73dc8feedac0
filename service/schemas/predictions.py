"""Bodies of POST /predict_latency."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.schemas.fields import DeviceName, Interval, NotationField, Origin, SpaceName
from spaces.base import LayerKind


class PredictionRequest(BaseModel):
    """Which architectures on which device; either `architecture` or `architectures`."""

    model_config = ConfigDict(extra="forbid")

    space: SpaceName
    device: DeviceName
    architecture: NotationField | None = None
    architectures: Annotated[list[NotationField], Field(min_length=1, max_length=100_000)] | None = None
    interval: Interval = 0.9
    breakdown: bool = Field(default=False, description="also what each layer's part of the latency is")

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


def _is_missing(value: object) -> bool:
    """What an answer leaves out, rather than say null."""
    return value is None


class LayerShare(BaseModel):
    """A layer's part of a latency."""

    name: str
    kind: LayerKind
    share: float = Field(description="of the whole latency; the shares of all layers add up to 1")
    latency_ms: float


class LatencyResult(BaseModel):
    """Latency of one architecture; the bounds equal the value where it was measured or simulated."""

    architecture: str = Field(description="canonical notation")
    latency_ms: float
    lower_ms: float
    upper_ms: float
    origin: Origin
    unlike_samples: bool | None = Field(
        default=None,
        exclude_if=_is_missing,
        description="true where the network is unlike all that the device was timed with, so that its bounds are wide; "
        "left out where the predictor does not tell",
    )
    layers: list[LayerShare] | None = Field(
        default=None, exclude_if=_is_missing, description="in execution order, where a breakdown was asked"
    )


class PredictionAnswer(BaseModel):
    """One result for each architecture asked for, in the same order."""

    device: str
    space: str
    predictor: PredictorInfo
    results: list[LatencyResult]
    breakdown: Literal["simulated", "estimated"] | None = Field(
        default=None,
        exclude_if=_is_missing,
        description="where the layers' shares come from: the cost model of a simulated device, or costs of kinds of "
        "layers that the samples of a measured one say",
    )
