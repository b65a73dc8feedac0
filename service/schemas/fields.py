"""Field types that several bodies share."""

from typing import Annotated, Final, Literal

from pydantic import Field, StrictInt, StrictStr, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError, ValidationError

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"

DeviceName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100, examples=["roofline-phone-cpu"])]
SpaceName = Annotated[str, Field(max_length=100, examples=["nb201"])]
# Further out the bounds rest on the assumed tail alone: no device has the ten thousand samples that would show it.
HIGHEST_INTERVAL: Final = 0.9999
HIGHEST_PROBABILITY: Final = 0.999  # of one bound; the interval around it is then within HIGHEST_INTERVAL

Interval = Annotated[
    float,
    Field(
        gt=0,
        le=HIGHEST_INTERVAL,
        allow_inf_nan=False,
        description="probability that the latency lies between the bounds",
    ),
]
Origin = Literal["measured", "predicted", "simulated"]


def _one_reason(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError(
            "architecture", "an architecture is a string, an integer (its index) or a list of integers"
        ) from None


NotationField = Annotated[
    StrictStr | StrictInt | list[StrictInt],
    WrapValidator(_one_reason),
    Field(description="any notation of the space: canonical string, index in the benchmark's order, list of choices"),
]
