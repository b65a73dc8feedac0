"""The part of a hardware description that every cost model shares; each model's own part subclasses it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from targets.formats import parse_format

# Wide enough for any machine, and narrow enough that no cost of a workload overflows.
Positive = Annotated[float, Field(ge=1e-9, le=1e12, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Bits = Annotated[int, Field(ge=1, le=64)]
MeanBits = Annotated[float, Field(ge=1, le=64, allow_inf_nan=False)]


def _check_format(name: str | None) -> str | None:
    if name is not None:
        parse_format(name)
    return name


class HardwareSpec(BaseModel):
    """A hardware configuration as data: immutable, hashable, no unknown keys, units in the keys.

    Attributes:
        name: how people call it.
        target: the cost model that reads it, a key of `TARGETS`.
        description: what it stands for and what it assumes.
        native_weight_bits: width of weights unless a request says otherwise.
        native_activation_bits: width of activations unless a request says otherwise.
        area_mm2: silicon area, where known.
        weight_format: number format of the weights at the native width, see `targets.formats`, where one describes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
    target: str
    description: str
    native_weight_bits: MeanBits
    native_activation_bits: MeanBits
    area_mm2: Positive | None = None
    weight_format: Annotated[str | None, AfterValidator(_check_format)] = None
