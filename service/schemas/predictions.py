"""Bodies of POST /predict_latency."""

import operator
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from device_db import Artifact
from service.schemas import examples
from service.schemas.fields import DeviceName, Interval, NotationField, Origin, SpaceName
from spaces.base import LayerKind


class PredictionRequest(BaseModel):
    """Which architectures on which device; either `architecture` or `architectures`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": examples.PREDICTIONS})

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


class LeftOutErrors(BaseModel):
    """Agreement of measured latencies with what the other samples predict; shares of samples in per cent."""

    samples: int = Field(description="samples compared; of more than 5,000, as many")
    mape_percent: float = Field(description="mean absolute error over the measured latency")
    median_ape_percent: float = Field(description="its median")
    spearman: float = Field(description="rank correlation")
    within_5_percent: float = Field(description="share of samples with an error of at most 5 %")
    within_10_percent: float = Field(description="share of samples with an error of at most 10 %")
    coverage_percent: dict[str, float] = Field(
        description="by level in %: share of samples inside the interval of that level, in whose width they had no part"
    )


_FLATTERED: Final = (
    "the network behind it was trained on published timings of a device of this name, so that its agreement with them "
    "says nothing about a new device"
)


class CandidateEvidence(BaseModel):
    """How one kind of predictor tells a device's samples, each from the others."""

    name: str
    log_density: float | None = Field(
        description="mean logarithm of the density that each sample has given the others, per ms; the greatest is "
        "chosen. Null if it was not fitted"
    )
    errors: LeftOutErrors | None = Field(description="of the left-out predictions; null if it was not fitted")
    reason: str | None = Field(description="why it was not fitted")
    pretrained_on_this_device: bool = Field(default=False, description=_FLATTERED)


class PredictorInfo(BaseModel):
    """What the numbers come from.

    For a simulated device the name is the cost model's, the version is 1, and there are no samples.
    """

    name: str
    version: int
    samples: int
    pretrained_on_this_device: bool = Field(default=False, description=_FLATTERED)
    candidates: list[CandidateEvidence] = Field(
        default=[], description="what the choice of the predictor rests on; empty for a simulated device"
    )

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """A version of a measured device's predictor."""
        return cls(
            name=artifact.predictor,
            version=artifact.version,
            samples=artifact.samples,
            pretrained_on_this_device=artifact.manifest.get("pretrained_on_this_device", False),
            candidates=[CandidateEvidence.model_validate(each) for each in artifact.manifest.get("evidence", [])],
        )


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
    extrapolated: bool | None = Field(
        default=None,
        exclude_if=_is_missing,
        description="whether the cost model of a simulated device answers beyond what it was fitted to; left out where "
        "it was not fitted to anything",
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
    warnings: list[str] = Field(
        default=[], exclude_if=operator.not_, description="why numbers may be further off than they look"
    )
