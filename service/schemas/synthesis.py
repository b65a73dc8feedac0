"""Bodies of POST /synthesis."""

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt

from targets.fpga.options import MAX_BITS, Encoding
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.synthesis import FLOWS

# The flow that places and routes on an iCE40, beside those that count cells.
ROUTED_FLOW: Final = "ice40_route"
# Checked against their registries below.
PrimitiveName = Literal[
    "gemmt-fu", "gemmt-rp", "gemms-rp", "conv1d-fu", "conv1d-pw", "conv2d-fu", "conv2d-rp", "conv2d-pw"
]
FlowName = Literal["lut4", "lut5", "lut6", "ice40", "xc7", "intel_alm", "ice40_route"]
MOST_WEIGHTS: Final = 65_536

_Size = Annotated[int, Field(ge=1, le=4_096)]
_Bits = Annotated[int, Field(ge=1, le=MAX_BITS)]

_EXAMPLES: Final[list[JsonValue]] = [
    {
        "primitive": "gemmt-fu",
        "rows": 1,
        "inner": 32,
        "columns": 2,
        "sparsity": 0.5,
        "flows": ["lut4", "lut6"],
    },
    {
        "primitive": "conv1d-pw",
        "width": 32,
        "channels": 2,
        "filter": 3,
        "out_channels": 4,
        "weight_bits": 2,
        "flows": ["ice40", "ice40_route"],
    },
]


class SynthesisRequest(BaseModel):
    """A layer that is unrolled with constant weights, and the fabrics to map it to.

    Matrix products, gemm, take `rows`, `inner` and `columns`; convolutions `width`, `channels`, `filter`,
    `out_channels` and, in two dimensions, `height`.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": _EXAMPLES})

    primitive: PrimitiveName
    rows: _Size | None = Field(default=None, description="of activations")
    inner: _Size | None = Field(default=None, description="values that one output sums")
    columns: _Size | None = Field(default=None, description="of weights")
    width: _Size | None = None
    height: _Size | None = None
    channels: _Size | None = None
    filter: _Size | None = None
    out_channels: _Size | None = None
    stride: _Size | None = Field(default=None, description="of convolutions, 1 by default")
    weights: Annotated[list[StrictInt], Field(min_length=1, max_length=MOST_WEIGHTS)] | None = Field(
        default=None,
        description="quantised weights, row-major: (inner, columns) or (out_channels, channels, filter...); "
        "seeded ones by default",
    )
    sparsity: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        default=0.0, description="fraction of zeros among seeded weights, exact"
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    weight_bits: _Bits = 4
    activation_bits: _Bits = 4
    signed_activations: bool = False
    encoding: Encoding = Field(default="csd", description="of constants: canonical signed digits or plain binary")
    pipelined: bool = True
    flows: Annotated[list[FlowName], Field(min_length=1, max_length=len(FLOWS) + 1)] = Field(
        default=["lut6"],
        description="all count cells; `ice40_route` also places and routes for a clock frequency",
    )


class FlowResult(BaseModel):
    """What one flow found out; counts that it does not make are null."""

    flow: FlowName
    luts: int | None = None
    arithmetic_cells: int | None = Field(default=None, description="of carry chains, in the family's own size")
    flip_flops: int | None = None
    depth: int | None = Field(default=None, description="cells on the longest path between registers or ports")
    logic_cells: int | None = Field(default=None, description="after placement: LUT, register and carry each")
    fmax_mhz: float | None = Field(default=None, description="of the slowest path between registers, routed")
    tool: str
    tool_version: str
    seconds: float = Field(description="that the tool took when it ran")
    is_stored: bool = Field(description="whether an equal circuit had been synthesised before")


class SynthesisAnswer(BaseModel):
    """A circuit and what it takes."""

    primitive: PrimitiveName
    circuit_hash: str
    multiply_cores: int = Field(description="sums of products that are instantiated")
    nonzero_weights: int
    csd_digits: int = Field(description="canonical signed digits of the weights")
    latency_cycles: int = Field(description="from a layer's first input to its last output")
    initiation_interval: int = Field(description="cycles from one layer to the next")
    output_bits: int
    results: list[FlowResult]


assert set(FLOWS) | {ROUTED_FLOW} == set(get_args(FlowName))
assert set(PRIMITIVES) == set(get_args(PrimitiveName))
