"""Bodies of GET /targets and POST /simulate."""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, ValidationError

from service.schemas import examples
from service.schemas.fields import NAME_PATTERN, NotationField, SpaceName
from spaces.base import Layer, LayerKind
from targets import Mode
from targets.llm import Stage

_Size = Annotated[int, Field(ge=1, le=2**24)]
_Batch = Annotated[int, Field(ge=1, le=65_536)]
_Bits = Annotated[float, Field(ge=1, le=64, allow_inf_nan=False)]
_TargetName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100, examples=["bitmod-lossy"])]


def _one_reason(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError("value", "a value is a number, true, false, null, a string or a list") from None


_Value = Annotated[
    StrictBool | StrictInt | StrictFloat | StrictStr | list[StrictInt | StrictFloat | StrictStr] | None,
    WrapValidator(_one_reason),
]


class LayerInput(BaseModel):
    """One layer with its shapes, for one sample; what is not given follows from the rest."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: LayerKind
    in_channels: _Size
    out_channels: _Size | None = Field(default=None, description="as in_channels by default")
    in_height: _Size = 1
    in_width: _Size | None = Field(default=None, description="as in_height by default; tokens of a linear layer")
    out_height: _Size | None = Field(default=None, description="in_height / stride, rounded up, by default")
    out_width: _Size | None = Field(default=None, description="in_width / stride, rounded up, by default")
    kernel: Annotated[int, Field(ge=1, le=1024)] = 1
    stride: Annotated[int, Field(ge=1, le=1024)] = 1
    groups: _Size = 1
    has_bias: bool = False
    inputs: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="tensors read: 2 for an addition; by default as many as an addition `reads`, else 1"
    )
    reads: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description="names of the layers whose outputs it reads, which come before it, or `input` for that of the "
        "network; by default the layer before it",
        examples=[["input"]],
    )

    @model_validator(mode="after")
    def _groups_divide_channels(self) -> Self:
        for channels in (self.in_channels, self.out_channels or self.in_channels):
            if channels % self.groups:
                raise ValueError(f"groups {self.groups} of {self.name!r} do not divide {channels} channels")
        return self

    @model_validator(mode="after")
    def _shapes_are_possible(self) -> Self:
        if self.kind in ("linear", "matmul"):
            if (self.kernel, self.stride) != (1, 1):
                raise ValueError(f"{self.name!r} is {self.kind}: it has no kernel and no stride")
        elif self.kind in ("conv", "pool"):
            in_width = self.in_width or self.in_height
            for side, size, out in (("height", self.in_height, self.out_height), ("width", in_width, self.out_width)):
                # Every output sees at least one input.
                most = (size + self.kernel - 2) // self.stride + 1
                if out is not None and out > most:
                    raise ValueError(
                        f"out_{side} {out} of {self.name!r} is impossible: kernel {self.kernel} with stride "
                        f"{self.stride} over {size} gives at most {most}"
                    )
        return self

    def layer(self) -> Layer:
        """The layer, with its defaults worked out."""
        in_width = self.in_width or self.in_height
        read = len(self.reads) if self.reads is not None and self.kind == "add" else 1
        return Layer(
            name=self.name,
            kind=self.kind,
            in_channels=self.in_channels,
            out_channels=self.out_channels or self.in_channels,
            in_height=self.in_height,
            in_width=in_width,
            out_height=self.out_height or -(-self.in_height // self.stride),
            out_width=self.out_width or -(-in_width // self.stride),
            kernel=self.kernel,
            stride=self.stride,
            groups=self.groups,
            has_bias=self.has_bias,
            inputs=self.inputs or read,
        )


class LayerPrecision(BaseModel):
    """Widths of weights and activations in bits, or the weights' format."""

    model_config = ConfigDict(extra="forbid")

    weight_bits: _Bits | None = None
    activation_bits: _Bits | None = None
    weight_format: Annotated[str, Field(max_length=50, examples=["int4"])] | None = Field(
        default=None, description="instead of weight_bits: it brings its width"
    )

    @model_validator(mode="after")
    def _one_width_of_weights(self) -> Self:
        if self.weight_bits is not None and self.weight_format is not None:
            raise ValueError("precision takes weight_bits or weight_format: a format brings its width")
        return self

    def chosen(self) -> dict[str, float | str]:
        """What is given, by key."""
        return self.model_dump(include=set(LayerPrecision.model_fields), exclude_none=True)


class ChosenPrecision(LayerPrecision):
    """Of the whole network, and of groups of its layers; as `/search` names its choice."""

    groups: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=50)], LayerPrecision], Field(max_length=64)
    ] = Field(
        default_factory=dict,
        description="by layer group, the first part of a layer's name, or `body` for what lies between stem and head "
        "and is not named: what differs there from the whole network's",
    )

    @field_validator("groups")
    @classmethod
    def _say_something(cls, groups: dict[str, LayerPrecision]) -> dict[str, LayerPrecision]:
        for name, precision in groups.items():
            if not precision.chosen():
                raise ValueError(f"the group {name!r} has no precision")
        return groups


class SimulationRequest(BaseModel):
    """A target and what it runs: `space` and `architecture`, a language `model`, `layers`, or M4BRAM's `network`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": examples.SIMULATIONS})

    target: _TargetName | None = Field(default=None, description="hardware of the catalogue, see GET /targets")
    device: _TargetName | None = Field(default=None, description="the same by the name that it has in POST /search")
    hardware: dict[str, Any] | None = Field(default=None, description="a whole hardware description instead")
    set: Annotated[dict[Annotated[str, Field(max_length=200)], _Value], Field(max_length=100)] = Field(
        default_factory=dict, description="keys of the hardware description to change, dotted where nested"
    )
    mode: Mode | None = Field(default=None, description="of models of published accelerators; the hardware's default")
    space: SpaceName | None = None
    architecture: NotationField | None = None
    model: Annotated[str, Field(max_length=100, examples=["llama-2-7b"])] | None = None
    stage: Stage = Field(default="prefill", description="of a language model: read a prompt, or write tokens")
    context: Annotated[int, Field(ge=1, le=1_000_000)] = Field(default=256, description="tokens of the prompt")
    tokens: Annotated[int, Field(ge=1, le=512)] = Field(default=1, description="that the stage decode writes")
    layers: Annotated[list[LayerInput], Field(min_length=1, max_length=10_000)] | None = None
    network: Annotated[str, Field(max_length=100, examples=["resnet18"])] | None = Field(
        default=None, description="of the M4BRAM studies: the configuration is searched for, against DLA's"
    )
    variant: Annotated[str, Field(max_length=100, examples=["DP-M4S"])] | None = Field(
        default=None, description="design of the M4BRAM family; the target's own by default"
    )
    dsp_budget: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="of `network`; the authors' by default"
    )
    bram_budget: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    batch: _Batch = Field(default=1, description="samples or sequences per run")
    weight_bits: _Bits | None = Field(default=None, description="the target's native width by default")
    activation_bits: _Bits | None = None
    precision: ChosenPrecision | None = Field(
        default=None, description="the same and the weights' format, also for groups of layers"
    )
    host: _TargetName | None = Field(default=None, description="hardware that runs the layers that the target cannot")

    @model_validator(mode="after")
    def _one_target_and_one_workload(self) -> Self:
        if sum(given is not None for given in (self.target, self.device, self.hardware)) != 1:
            raise ValueError("give one of `target`, `device` and `hardware`")
        if (self.space is None) != (self.architecture is None):
            raise ValueError("`space` and `architecture` go together")
        if sum(given is not None for given in (self.space, self.model, self.layers, self.network)) != 1:
            raise ValueError("give `space` and `architecture`, or `model`, or `layers`, or `network`")
        if self.network is None and not (self.variant is self.dsp_budget is self.bram_budget is None):
            raise ValueError("`variant` and budgets go with `network`; elsewhere `set` changes the hardware")
        return self

    @property
    def hardware_name(self) -> str | None:
        """Of the catalogue; none where the hardware is described here."""
        return self.target or self.device

    @property
    def hardware_pointer(self) -> str:
        """Where the request says on what it runs."""
        given = {"/target": self.target, "/device": self.device, "/hardware": self.hardware}
        return next(pointer for pointer, value in given.items() if value is not None)


class SimulationAnswer(BaseModel):
    """Cost of one run of the batch; cycles and energies are null where the target does not model them."""

    target: str
    model: str = Field(description="cost model")
    mode: str | None = Field(description="of the cost model, where it has several")
    workload: str = Field(description="what ran")
    stage: Stage | None = Field(description="of a language model")
    batch: int
    weight_bits: float = Field(description="of layers that belong to no group with a precision of its own")
    activation_bits: float
    weight_format: str | None = Field(default=None, description="of these weights, where one describes them")
    cycles_compute: float | None
    cycles_dram: float | None
    cycles_total: float | None
    latency_ms: float
    energy_uJ: dict[str, float] = Field(description="by part where the target tells them apart, and `total`")  # noqa: N815
    area_mm2: float | None
    resources: dict[str, float] | None = Field(
        default=None,
        description="of a part that is configured for the network: cells, block RAM, clock, and the cycles from one "
        "sample to the next",
    )
    macs: int = Field(description="multiply-accumulates of the whole batch")
    chosen: dict[str, float | int] | None = Field(
        default=None, description="of a `network`: unroll factors and resources that the search chose, and the speedup"
    )
    warnings: list[str] = Field(default=[], description="why the numbers may be further off than the model's errors")
    layers: list[dict[str, bool | float | int | str]] = Field(
        description="a row for each layer, equal ones together with their `count`; columns as the model has them"
    )


class TargetInfo(BaseModel):
    """One hardware configuration of the catalogue."""

    name: str
    model: str = Field(description="cost model that reads it")
    description: str
    modes: list[str] = Field(description="ways to compute, where the model has several")
    native_weight_bits: float
    native_activation_bits: float
    metrics: list[str] = Field(description="what a search on it takes for objectives and limits")
    is_additive: bool = Field(description="whether costs add over layers; whole spaces are then costed by look-up")
    hardware: dict[str, Any] = Field(description="the description; every key may be changed by `set`")


class TargetList(BaseModel):
    """Every hardware configuration, and the language models that can run on them."""

    targets: list[TargetInfo]
    models: list[str]
