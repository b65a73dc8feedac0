"""Bodies of POST /search."""

import operator
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.schemas import examples
from service.schemas.fields import HIGHEST_PROBABILITY, DeviceName, Interval, Origin, SpaceName
from service.schemas.predictions import PredictorInfo

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_MetricName = Annotated[str, Field(max_length=160, examples=["latency_ms"])]

_GroupName = Annotated[str, Field(min_length=1, max_length=50, examples=["head"])]
_HardwareKey = Annotated[str, Field(min_length=1, max_length=100, examples=["rows"])]


def _one_reason(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError(
            "candidate", "a candidate is a finite number, true, false, null or a string"
        ) from None


_Candidate = Annotated[
    StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | StrictStr | None,
    WrapValidator(_one_reason),
]
_Candidates = Annotated[
    list[_Candidate],
    Field(min_length=1, max_length=256),
]


ChosenSource = Literal["auto", "table", "fitted", "pretrained", "zero_cost", "log10_macs"]
AccuracyOrigin = Literal["table", "predicted", "proxy", "predicted_proxy"]


class Limit(BaseModel):
    """Both inclusive; at least one."""

    model_config = ConfigDict(extra="forbid")

    max: _Finite | None = None
    min: _Finite | None = None
    probability: (
        Annotated[
            float,
            Field(
                gt=0.5,
                le=HIGHEST_PROBABILITY,
                allow_inf_nan=False,
                description="with which a new measurement of the latency keeps `max`; without, its mean keeps it",
            ),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.probability is not None and (self.max is None or self.min is not None):
            raise ValueError("a probability goes with max alone")
        if self.max is None and self.min is None:
            raise ValueError("a limit needs max or min")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.max is not None and self.max < 0:
            raise ValueError(f"max {self.max:g} is below 0, and no metric is negative")
        return self


class BudgetRequest(BaseModel):
    """Whichever is reached first ends the search."""

    model_config = ConfigDict(extra="forbid")

    evaluations: Annotated[int, Field(ge=1, strict=True)] | None = None
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class PrecisionOptions(BaseModel):
    """Candidates for the widths of weights and activations in bits, or for the weights' format."""

    model_config = ConfigDict(extra="forbid")

    weight_bits: _Candidates | None = None
    activation_bits: _Candidates | None = None
    weight_format: _Candidates | None = Field(default=None, description="instead of weight_bits: it brings its width")

    @field_validator("weight_bits", "activation_bits", "weight_format")
    @classmethod
    def _of_one_type(cls, values: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
        takes, kinds = ("names", str) if info.field_name == "weight_format" else ("numbers", int | float)
        if not all(isinstance(value, kinds) and not isinstance(value, bool) for value in values or []):
            raise ValueError(f"{info.field_name} takes {takes}")
        return values

    @model_validator(mode="after")
    def _one_width_of_weights(self) -> Self:
        if self.weight_bits is not None and self.weight_format is not None:
            raise ValueError("precision takes weight_bits or weight_format: a format brings its width")
        return self

    def candidates(self) -> dict[str, Sequence[Any]]:
        """Those that are given, by key."""
        given = {key: getattr(self, key) for key in PrecisionOptions.model_fields}
        return {key: values for key, values in given.items() if values is not None}


class SearchedPrecision(PrecisionOptions):
    """Candidates for the whole network, and for groups of its layers."""

    groups: Annotated[dict[_GroupName, PrecisionOptions], Field(max_length=64)] = Field(
        default={},
        description="by layer group of the space, or `body` for what lies between stem and head and is not named: "
        "what differs there from the whole network's",
    )

    @field_validator("groups")
    @classmethod
    def _say_something(cls, groups: dict[str, PrecisionOptions]) -> dict[str, PrecisionOptions]:
        for name, options in groups.items():
            if not options.candidates():
                raise ValueError(f"the group {name!r} has no candidates")
        return groups


class WarmStart(BaseModel):
    """What the search starts from, beside architectures of its own choice; at least one of the two."""

    model_config = ConfigDict(extra="forbid")

    job: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]+$", max_length=64)] | None = Field(
        default=None, description="an earlier search of the same space, ended or running: its front"
    )
    samples: bool = Field(default=False, description="the architectures measured on the first device")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.job is None and not self.samples:
            raise ValueError("give `job`, or `samples`: true")
        return self


class SearchRequest(BaseModel):
    """What to search for.

    Metrics: accuracy, latency_ms, macs, params, peak_memory_bytes; on simulated devices also energy_mj, area_mm2,
    quantisation_sqnr_db and quantisation_mse where their model knows them, see `metrics` in GET /devices. On a
    simulated device precision and hardware may be decisions too. With several devices, `latency_ms@NAME` is that of
    one of them; without a name a metric is the first one's.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": examples.SEARCHES})

    space: SpaceName
    device: DeviceName | None = None
    devices: Annotated[list[DeviceName], Field(max_length=16, description="further ones, or all of them")] = []
    objectives: Annotated[
        list[_MetricName],
        Field(min_length=1, max_length=10, description="unless given, accuracy and the latency on each device"),
    ] = ["accuracy", "latency_ms"]
    constraints: Annotated[dict[_MetricName, Limit], Field(max_length=10)] = {}
    budget: BudgetRequest = BudgetRequest()
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 0
    algorithm: Annotated[str, Field(max_length=50, description="`auto`: everything if the space can be listed")] = (
        "auto"
    )
    dataset: Annotated[str, Field(max_length=100, description="of the accuracy; cifar10 unless given")] | None = None
    accuracy_source: ChosenSource = Field(
        default="auto",
        description="`auto`: the best that there is; a predictor named here tells all accuracies; `zero_cost` computes "
        "proxies where too few are stored",
    )
    interval: Interval = 0.9
    warm_start: WarmStart | None = None
    explain: bool = Field(default=False, description="`exchanges` and `non_dominated_probability` of each member")
    precision: SearchedPrecision = SearchedPrecision()
    hardware: Annotated[dict[_HardwareKey, _Candidates], Field(max_length=8)] = Field(
        default={}, description="candidates for keys of the device's hardware description, dotted where nested"
    )

    @model_validator(mode="after")
    def _devices_and_objectives(self) -> Self:
        named = [self.device, *self.devices] if self.device is not None else self.devices
        if not named:
            raise ValueError("give `device`, or `devices`")
        if len(set(named)) < len(named):
            raise ValueError("a device is given twice")
        if "objectives" not in self.model_fields_set and len(named) > 1:
            self.objectives = ["accuracy", *(f"latency_ms@{name}" for name in named)]
        return self

    @property
    def named_devices(self) -> dict[str, str]:
        """Where in the request each device is named, as a JSON pointer; the first device first."""
        first = {} if self.device is None else {self.device: "/device"}
        return first | {name: f"/devices/{index}" for index, name in enumerate(self.devices)}

    @property
    def options(self) -> dict[tuple[str, ...], Sequence[Any]]:
        """Candidates of every decision beside the architecture, by its path in the request."""
        network = {("precision", key): values for key, values in self.precision.candidates().items()}
        groups = {
            ("precision", "groups", name, key): values
            for name, group in self.precision.groups.items()
            for key, values in group.candidates().items()
        }
        return network | groups | {("hardware", key): values for key, values in self.hardware.items()}


class ProxyInfo(BaseModel):
    """What a zero-cost score is made of."""

    members: list[str] = Field(description="numbers of the untrained network of which it is the mean")
    origin: Literal["computed", "published"] = Field(description="where the known ones come from")
    computed: int = Field(default=0, description="architectures of `known` whose proxy this search computed")


class AccuracyInfo(BaseModel):
    """Where accuracies come from.

    `table`: stored test accuracies in %, of every architecture. `fitted`: stored ones where there are, elsewhere what a
    predictor fitted to them says, in %. `pretrained`: the same with a network that comes with archcast. Two are no
    accuracies but numbers whose order alone means anything: `zero_cost`, the mean of zero-cost proxies, in standard
    deviations from the space's median, and `log10_macs`, the logarithm of the MACs that reach the output. Nothing but
    the table has a value for a network whose input does not reach its output: a search counts it as failed.
    `cost_ridge` stands in answers of old jobs.
    """

    source: Literal["table", "fitted", "pretrained", "zero_cost", "cost_ridge", "log10_macs"]
    unit: str = Field(default="%", description="of accuracies, and of limits on them")
    dataset: str | None
    known: int = Field(description="architectures in the table, or with a known proxy")
    predicted: int = Field(default=0, description="further architectures that the search asked for")
    held_out: dict[str, Any] | None = Field(
        default=None, description="scores of a pretrained network on architectures that it was not trained on"
    )
    proxies: ProxyInfo | None = Field(default=None, exclude_if=operator.not_, description="of a zero-cost score")


class FrontEntry(BaseModel):
    """One architecture of the front.

    It has a further member for each objective and each limited metric, by the metric's name. Where accuracy is one of
    them it has `accuracy_origin` (`table`, `predicted`, `proxy` or `predicted_proxy`) and, but for proxies,
    `accuracy_lower` and `accuracy_upper` in %; also `precision` and `hardware`, where they were decisions. A limit with
    a probability adds what it was decided by, as in `latency_ms_p95`; several devices add `devices`, with `latency_ms`,
    `lower_ms`, `upper_ms` and `origin` of each. A cost model that was fitted adds `extrapolated`, whether it answers
    beyond what it was fitted to, and beside `luts` the bounds of a 90 % interval, `luts_lower` and `luts_upper`.
    `explain` adds `exchanges`, for each objective the nearest member that is better in it and what changes with it, and
    `non_dominated_probability` where something is predicted.
    """

    model_config = ConfigDict(extra="allow")

    architecture: str = Field(description="canonical notation")
    lower_ms: float = Field(description="lower bound of the latency")
    upper_ms: float = Field(description="upper bound of the latency")
    origin: Origin = Field(description="where the latency comes from")


class SearchAnswer(BaseModel):
    """The Pareto front and how it was found."""

    job: str
    space: str
    device: str = Field(description="the first one")
    front: list[FrontEntry] = Field(description="at most 1,000 members, the least crowded and each objective's best")
    front_size: int | None = Field(default=None, description="members of the whole front; null in answers of old jobs")
    evaluations: int
    failed: int = Field(description="evaluations left out because a metric was not finite")
    seconds: float
    algorithm: str
    stopped_by: str
    complete: bool = Field(description="whether the whole space was scored, so that the front is exact")
    seed: int
    predictor: PredictorInfo = Field(description="of the first device")
    predictors: dict[str, PredictorInfo] = Field(
        default={}, exclude_if=operator.not_, description="of each device, where there are several"
    )
    accuracy: AccuracyInfo | None = Field(description="null where accuracy is neither objective nor limit")
    warnings: list[str] = Field(default=[], description="why the front may not be what was meant")
