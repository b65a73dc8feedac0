"""Build the circuit that a synthesis request describes, or say what is wrong with it."""

from __future__ import annotations

from dataclasses import MISSING, fields
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.errors import FieldError, InvalidRequestError
from service.schemas.synthesis import MOST_WEIGHTS, ROUTED_FLOW, SynthesisRequest
from targets.fpga.circuit import Circuit
from targets.fpga.errors import InvalidCircuitError
from targets.fpga.options import Options
from targets.fpga.primitives import PRIMITIVES, Primitive
from targets.fpga.verilog import generate
from targets.fpga.weights import seeded_weights

MOST_PRODUCTS: Final = 16_384
MOST_VALUES: Final = 65_536
_REQUEST_NAMES: Final = {"m": "rows", "n": "inner", "p": "columns"}
_SIZES: Final = ("rows", "inner", "columns", "width", "height", "channels", "filter", "out_channels", "stride")


def build_circuit(request: SynthesisRequest) -> Circuit:
    """The circuit of the request's layer. Raises: InvalidRequestError that points at each fault."""
    primitive = primitive_of(request)
    _check_size(primitive)
    if not request.pipelined and ROUTED_FLOW in request.flows:
        reason = f"{ROUTED_FLOW} measures between registers: it needs a pipelined circuit"
        raise InvalidRequestError([FieldError(reason, pointer="/flows")])
    weights = _weights(primitive, request)
    products = int(np.count_nonzero(weights)) * (primitive.multiplications_per_cycle // weights.size)
    if products > MOST_PRODUCTS:
        reason = f"{products:,} products by weights other than zero, at most {MOST_PRODUCTS:,} are synthesised"
        raise InvalidRequestError([FieldError(reason, pointer="")])
    try:
        options = Options(
            request.weight_bits,
            request.activation_bits,
            request.signed_activations,
            request.encoding,
            request.pipelined,
        )
        return generate(primitive, weights, options)
    except InvalidCircuitError as error:
        raise _invalid(error) from error


def primitive_of(request: SynthesisRequest) -> Primitive:
    """The request's layer with its sizes. Raises: InvalidRequestError that points at each fault."""
    kind = PRIMITIVES[request.primitive]
    names = {_REQUEST_NAMES.get(field.name, field.name): field for field in fields(kind)}
    given = {name for name in _SIZES if getattr(request, name) is not None}
    needed = {name for name, field in names.items() if field.default is MISSING}
    faults = [
        FieldError(f"{request.primitive} needs {name}", pointer=f"/{name}") for name in _SIZES if name in needed - given
    ]
    faults += [
        FieldError(f"{request.primitive} has no {name}; it takes {', '.join(names)}", pointer=f"/{name}")
        for name in _SIZES
        if name in given - names.keys()
    ]
    if faults:
        raise InvalidRequestError(faults)
    try:
        return kind(**{names[name].name: getattr(request, name) for name in given})
    except InvalidCircuitError as error:
        raise _invalid(error) from error


def _check_size(primitive: Primitive) -> None:
    counts = {
        "weights": (prod(primitive.weight_shape), MOST_WEIGHTS),
        "products per cycle": (primitive.multiplications_per_cycle, MOST_VALUES),
        "input values": (prod(primitive.input_shape), MOST_VALUES),
        "output values": (prod(primitive.output_shape), MOST_VALUES),
    }
    faults = [
        FieldError(f"{count:,} {what}, at most {most:,} are synthesised", pointer="")
        for what, (count, most) in counts.items()
        if count > most
    ]
    if faults:
        raise InvalidRequestError(faults)


def _weights(primitive: Primitive, request: SynthesisRequest) -> NDArray[np.integer]:
    if request.weights is None:
        rng = np.random.default_rng(request.seed)
        return seeded_weights(primitive.weight_shape, bits=request.weight_bits, sparsity=request.sparsity, rng=rng)
    if request.sparsity:
        reason = "is of seeded weights; these weights have their own zeros"
        raise InvalidRequestError([FieldError(f"sparsity {reason}", pointer="/sparsity")])
    if len(request.weights) != prod(primitive.weight_shape):
        shape = " x ".join(map(str, primitive.weight_shape))
        reason = f"must be {shape} integers, got {len(request.weights):,}"
        raise InvalidRequestError([FieldError(reason, pointer="/weights")])
    low, high = -(1 << (request.weight_bits - 1)), (1 << (request.weight_bits - 1)) - 1
    outside = [index for index, weight in enumerate(request.weights) if not low <= weight <= high]
    if outside:
        raise InvalidRequestError(
            [
                FieldError(f"must be from {low} to {high} at {request.weight_bits} bits", pointer=f"/weights/{index}")
                for index in outside
            ]
        )
    return np.array(request.weights, np.int64).reshape(primitive.weight_shape)


def _invalid(error: InvalidCircuitError) -> InvalidRequestError:
    named = [(_REQUEST_NAMES.get(field, field), reason) for field, reason in error.faults]
    return InvalidRequestError([FieldError(f"{name} {reason}", pointer=f"/{name}") for name, reason in named])
