"""Bodies of /devices."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from device_db import DeviceKind
from service.schemas import examples
from service.schemas.fields import DeviceName
from service.schemas.predictions import PredictorInfo


class NewDevice(BaseModel):
    """A device to register; its measurements come by POST /admin/measurements.

    `onnx` says that its timings are of ONNX files in a runtime, as `archcast measure` makes them.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": examples.DEVICES})

    name: DeviceName
    kind: Literal["measured", "onnx"] = "measured"
    description: Annotated[str, Field(max_length=2000, pattern=r"^[^\u0000]*$")] = ""


class PredictorVersion(PredictorInfo):
    """The newest predictor of a device in one space; GET /devices/{name}/predictor tells all of it."""

    space: str
    created_at: datetime


class DeviceInfo(BaseModel):
    """One device as listed."""

    name: str
    kind: DeviceKind
    description: str
    samples: dict[str, int] = Field(description="measured architectures by space")
    metrics: list[str] = Field(description="what a search on it takes for objectives and limits")


class DeviceDetail(DeviceInfo):
    """One device with where its numbers come from."""

    created_at: datetime
    target: str | None = Field(description="cost model of a simulated device")
    hardware: str | None = Field(description="hardware configuration of a simulated device")
    predictors: list[PredictorVersion]


class DeviceList(BaseModel):
    """Devices by name."""

    devices: list[DeviceInfo]


class SuggestionList(BaseModel):
    """Architectures worth measuring next, most informative first."""

    device: str
    space: str
    measured: int = Field(description="architectures that the device has samples of")
    architectures: list[str]
    onnx: list[str] = Field(description="path on this server of each architecture's ONNX file, to time it")
