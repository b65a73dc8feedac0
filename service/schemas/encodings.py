"""Bodies of POST /encode and GET /encodings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas import examples
from service.schemas.fields import NotationField, SpaceName

_EncodingName = Annotated[str, Field(max_length=50, examples=["cost"])]


class EncodingRequest(BaseModel):
    """Which encodings of which architectures."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": examples.ENCODINGS})

    space: SpaceName
    architectures: Annotated[list[NotationField], Field(min_length=1, max_length=20_000)]
    encodings: Annotated[list[_EncodingName], Field(min_length=1, max_length=20)]
    proxies: Literal["computed", "published"] = Field(
        default="computed", description="where zcp, also in combinations, takes its values from"
    )


class EncodedArchitectures(BaseModel):
    """One encoding of every architecture."""

    features: list[str] = Field(description="name of each column")
    values: list[list[float]] = Field(description="one row per architecture, in the order asked")


class EncodingAnswer(BaseModel):
    """Every encoding asked for, by its name."""

    space: str
    architectures: list[str] = Field(description="canonical notations, in the order asked")
    encodings: dict[str, EncodedArchitectures]


class EncodingInfo(BaseModel):
    """One encoding."""

    name: str
    description: str
    dimensions: dict[str, int] = Field(description="columns on each space that the encoding covers")


class EncodingList(BaseModel):
    """Every encoding."""

    encodings: list[EncodingInfo]
