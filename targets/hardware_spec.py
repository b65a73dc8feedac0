"""The part of a hardware description that every cost model shares; each model's own part subclasses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from targets.formats import NumberFormat, UnknownFormatError, format_at_width, parse_format

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

    @field_validator("weight_format", mode="after")
    @classmethod
    def _check_width(cls, name: str | None, info: ValidationInfo) -> str | None:
        native_bits = info.data.get("native_weight_bits")
        if name is not None and native_bits is not None:
            bits = parse_format(name).bits
            if not bits <= native_bits < bits + 1:
                raise ValueError(f"{name} has {bits} bits, native_weight_bits says {native_bits:g}")
        return name

    @property
    def number_format(self) -> NumberFormat | None:
        """Of the weights, where one is named."""
        return None if self.weight_format is None else parse_format(self.weight_format)

    @classmethod
    def implied(cls, description: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
        """Keys that follow from changed ones, where the changes leave them out.

        A format of weights brings its width, and a width the format of the same kind at that width, or else integers.

        Args:
            description: before the changes; neither it nor they need be valid.
        """
        share = cls._scale_share({**description, **changes})
        name, bits = changes.get("weight_format"), changes.get("native_weight_bits")
        if "native_weight_bits" in changes and "weight_format" not in changes:
            is_native = bits == description.get("native_weight_bits")
            own = description.get("weight_format")
            return {"weight_format": own if is_native else _format_of_width(own, bits, share)}
        if "native_weight_bits" not in changes and isinstance(name, str):
            try:
                return {"native_weight_bits": parse_format(name).bits + share}
            except UnknownFormatError:
                return {}  # which the description's own check explains
        return {}

    @classmethod
    def _scale_share(cls, description: Mapping[str, object]) -> float:
        """Bits of a group's scale for each of its weights, where the mean width counts them."""
        return 0.0


def _format_of_width(own: object, bits: object, share: float) -> str | None:
    if not isinstance(bits, int | float) or isinstance(bits, bool):
        return None
    name = own if isinstance(own, str) else None
    return format_at_width(name, bits) or format_at_width(name, bits - share)
