"""Answers of GET /devices/{name}/predictor."""

from datetime import datetime

from pydantic import BaseModel, Field

from device_db import DeviceKind
from service.schemas.fields import Origin
from service.schemas.predictions import LatencyResult, LeftOutErrors, PredictorInfo


class Condition(BaseModel):
    """How the samples were measured, where the uploads said so; more than one value is a leftover of an old version."""

    batch_size: list[int] = []
    precision: list[str] = []
    input_shape: list[str] = []


class SourceVersion(BaseModel):
    """A predictor of another device that this one leans on."""

    device: str
    version: int


class FittedSample(BaseModel):
    """One sample, and what the predictor says of it when it has only seen the others."""

    architecture: str
    latency_ms: float = Field(description="as measured when the version was fitted")
    left_out_ms: float | None = Field(description="null in versions that an older archcast fitted")
    lower_ms: float | None = Field(description="of the left-out prediction")
    upper_ms: float | None = Field(description="of the left-out prediction")
    origin: Origin


class SamplePage(BaseModel):
    """Samples of the version, by canonical notation."""

    total: int = Field(description="samples of the version")
    offset: int
    missing: str | None = Field(default=None, description="why no sample is listed though there are some")
    items: list[FittedSample]


class DevicePredictor(BaseModel):
    """One version of a device's predictor: what it rests on, how far off it is, and what would improve it."""

    device: str
    space: str
    kind: DeviceKind
    predictor: PredictorInfo
    created_at: datetime | None = Field(description="null for a simulated device, whose cost model is never fitted")
    retired_at: datetime | None = Field(description="since when it is out of use because samples were taken back")
    is_in_use: bool = Field(description="whether it is what POST /predict_latency answers with")
    versions: list[int] = Field(description="every version that can be read")
    condition: Condition
    sources: list[SourceVersion] = Field(description="predictors of other devices that it leans on")
    errors: LeftOutErrors | None = Field(
        description="of each sample predicted from the others; null for a simulated device and for old versions"
    )
    interval: float = Field(description="probability that a latency lies between its bounds")
    samples: SamplePage
    next: list[LatencyResult] = Field(
        description="the architectures whose measurement would tell most, the first the most, as predicted now"
    )
