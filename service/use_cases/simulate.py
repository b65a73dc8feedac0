"""Run a workload on a target and tell the cost of every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from service.errors import FieldError, InvalidRequestError, pointing
from service.lookup import body_space, parse_architectures
from service.problems import json_pointer
from service.schemas.simulation import SimulationAnswer, SimulationRequest
from service.use_cases.simulate_study import simulate_study
from spaces import SearchSpace
from spaces.base import Workload
from targets import (
    TARGETS,
    Cost,
    HardwareSpec,
    InvalidHardwareError,
    LayerCost,
    Mode,
    Precision,
    Target,
    UnknownHardwareError,
    UnknownTargetError,
    UnsupportedLayerError,
    UnsupportedPrecisionError,
    WithHost,
    build_target,
    catalogue_description,
    load_target,
    parse_hardware,
    vary,
)
from targets.bitvert.weight_cycles import DATA_DEPENDENT_RULES
from targets.llm import UnknownModelError, comparison_weight_bits, llm_workload
from targets.m4bram import NoConfigurationError

_MOST_INPUTS: Final = 1_000_000
# With the cycles that each takes, 64-bit integers hold either.
_MOST_PER_LAYER: Final = 2**50
_MOST_PER_RUN: Final = 2**56
_OF_MODELS: Final = ("stage", "context", "tokens")


def simulate(spaces: Mapping[str, SearchSpace], request: SimulationRequest) -> SimulationAnswer:
    """The cost of the request's workload. Raises: InvalidRequestError that points at what cannot be used."""
    _refuse_unused(request)
    hardware = _hardware(request)
    if request.network is not None:
        return simulate_study(hardware, request)
    target = _with_host(build_target(hardware), request)
    mode = getattr(hardware, "mode", None)
    workload = _workload(spaces, request, mode)
    precision = _precision(request, hardware, target)
    _check_size(request, workload)
    _check_weights(hardware, workload)
    with (
        _budget_faults(request),
        pointing("/layers" if request.layers else "/target", UnsupportedLayerError),
        pointing(_precision_pointer(request), UnsupportedPrecisionError),
    ):
        cost = target.cost(workload, precision)
    return SimulationAnswer(
        target=hardware.name,
        model=cost.model,
        mode=mode,
        workload=_workload_name(request),
        stage=request.stage if request.model is not None else None,
        batch=request.batch,
        weight_bits=precision.weight_bits,
        activation_bits=precision.activation_bits,
        cycles_compute=_number(cost.cycles.compute) if cost.cycles else None,
        cycles_dram=_number(cost.cycles.dram) if cost.cycles else None,
        cycles_total=_number(cost.cycles.total) if cost.cycles else None,
        latency_ms=cost.latency_ms,
        energy_uJ=_energies(cost),
        area_mm2=cost.area_mm2,
        macs=sum(layer.macs for layer in cost.layers),
        layers=[_row(layer, count) for layer, count in _grouped(cost.layers)],
    )


def _refuse_unused(request: SimulationRequest) -> None:
    """Point at what only language models have, where none runs. Raises: InvalidRequestError."""
    if request.model is None:
        given = [name for name in _OF_MODELS if name in request.model_fields_set]
        if given:
            raise InvalidRequestError([FieldError(f"{name} goes with `model`", pointer=f"/{name}") for name in given])


def _hardware(request: SimulationRequest) -> HardwareSpec:
    changes: dict[str, Any] = dict(request.set)
    if request.mode is not None:
        changes["mode"] = request.mode
    if request.hardware is not None:
        pointer, description = "/hardware", request.hardware
    else:
        assert request.target is not None
        pointer = "/target"
        with pointing(pointer, UnknownHardwareError):
            description = catalogue_description(request.target)
    if request.mode is not None and not _has_modes(description):
        reason = f"the model {description['target']} has no modes: leave mode out"
        raise InvalidRequestError([FieldError(reason, pointer="/mode")])
    with _hardware_faults(pointer, request):
        varied = vary(description, changes)
        hardware = parse_hardware(varied, source=str(description.get("name", "without a name")))
        if request.model is not None and "stage" in type(hardware).model_fields:
            hardware = parse_hardware({**varied, "stage": request.stage})
    return hardware


def _has_modes(description: Mapping[str, object]) -> bool:
    """Whether the cost model has several ways to compute; an unknown one is left to `parse_hardware`."""
    model = TARGETS.get(str(description.get("target")))
    return model is None or "mode" in model.schema.model_fields


@contextmanager
def _hardware_faults(pointer: str, request: SimulationRequest) -> Iterator[None]:
    """Point at each key at fault: where the request set it, or at the description."""
    try:
        yield
    except UnknownTargetError as error:
        raise InvalidRequestError([FieldError(str(error), pointer=pointer)]) from error
    except InvalidHardwareError as error:
        faults = [
            FieldError(f"{key}: {reason}" if key else reason, pointer=_place(key, pointer, request))
            for key, reason in error.faults
        ]
        raise InvalidRequestError(faults) from error


@contextmanager
def _budget_faults(request: SimulationRequest) -> Iterator[None]:
    """Point at the budget that is too small for a configuration that is searched for."""
    try:
        yield
    except NoConfigurationError as error:
        pointer = "/target" if request.hardware is None else "/hardware"
        raise InvalidRequestError([FieldError(str(error), pointer=_place(error.short, pointer, request))]) from error


def _place(key: str, pointer: str, request: SimulationRequest) -> str:
    if key == "mode" and request.mode is not None:
        return "/mode"
    changed = next((path for path in request.set if path == key or key.startswith(f"{path}.")), None)
    return pointer if changed is None else json_pointer(["set", changed])


def _with_host(target: Target, request: SimulationRequest) -> Target:
    if request.host is None:
        return target
    with pointing("/host", UnknownHardwareError):
        return WithHost(target, load_target(request.host))


def _workload(spaces: Mapping[str, SearchSpace], request: SimulationRequest, mode: Mode | None) -> Workload:
    if request.layers is not None:
        return Workload(tuple(layer.layer() for layer in request.layers), batch=request.batch)
    if request.space is not None:
        assert request.architecture is not None
        space = body_space(spaces, request.space)
        (architecture,) = parse_architectures(space, [request.architecture], ["/architecture"])
        return replace(space.workload(architecture), batch=request.batch)
    assert request.model is not None
    # A target without modes runs the model as it is, not as one simulator had it.
    with pointing("/model", UnknownModelError), pointing("/tokens", ValueError):
        return llm_workload(
            request.model,
            stage=request.stage,
            batch=request.batch,
            context=request.context,
            tokens=request.tokens,
            mode=mode or "refined",
        )


def _check_size(request: SimulationRequest, workload: Workload) -> None:
    """Refuse what no cost model can count exactly: the models of the M4BRAM family count in 64-bit integers."""
    for index, layer in enumerate(workload.layers):
        elements = layer.in_elements + layer.out_elements + layer.params
        for what, count in (("multiply-accumulates", layer.macs), ("values read and written", elements)):
            if count > _MOST_PER_LAYER:
                reason = f"layer {layer.name!r} has {count:.3g} {what}, the most is {_MOST_PER_LAYER:.3g}"
                pointer = f"/layers/{index}" if request.layers else "/context"
                raise InvalidRequestError([FieldError(reason, pointer=pointer)])
    for what, count in (
        ("multiply-accumulates", workload.macs),
        ("values read and written", sum(layer.in_elements + layer.out_elements for layer in workload.layers)),
    ):
        if workload.batch * count > _MOST_PER_RUN:
            reason = f"{workload.batch * count:.3g} {what} are too many, the most is {_MOST_PER_RUN:.3g}"
            raise InvalidRequestError([FieldError(reason, pointer="/batch" if workload.batch > 1 else "/layers")])


def _check_weights(hardware: HardwareSpec, workload: Workload) -> None:
    """Refuse layers whose weights are too many to count the bits of, even of a few output channels."""
    if getattr(hardware, "cycle_rule", None) not in DATA_DEPENDENT_RULES:
        return
    inputs = max((layer.in_channels // layer.groups * layer.kernel_area for layer in workload.layers), default=0)
    if inputs > _MOST_INPUTS:
        reason = f"{hardware.name} counts the bits of weights; {inputs:,} of them for each output are too many, "
        raise InvalidRequestError([FieldError(f"{reason}the most is {_MOST_INPUTS:,}", pointer="/target")])


def _precision(request: SimulationRequest, hardware: HardwareSpec, target: Target) -> Precision:
    """The request's widths; else those of the authors' comparison for the model; else the native ones."""
    native = target.native_precision
    compared = None
    if request.model is not None and request.hardware is None:
        mode: Mode = getattr(hardware, "mode", "published")
        compared = comparison_weight_bits(hardware.name, request.model, request.stage, mode)
    return Precision(
        request.weight_bits or compared or native.weight_bits, request.activation_bits or native.activation_bits
    )


def _precision_pointer(request: SimulationRequest) -> str:
    return "/activation_bits" if request.weight_bits is None and request.activation_bits is not None else "/weight_bits"


def _workload_name(request: SimulationRequest) -> str:
    if request.layers is not None:
        return "layers"
    return f"{request.space} {request.architecture}" if request.space else str(request.model)


def _energies(cost: Cost) -> dict[str, float]:
    if cost.energy_mj is None:
        return {}
    return {**cost.energy_uj, "total": cost.energy_mj * 1e3}


def _grouped(layers: Sequence[LayerCost]) -> list[tuple[LayerCost, int]]:
    """Equal rows once, with their number, in the order of their first appearance."""
    counts = Counter(map(id, layers))  # targets give layers that are equal the same row, mostly
    by_content: dict[Hashable, tuple[LayerCost, int]] = {}
    for layer in {id(layer): layer for layer in layers}.values():
        content = (layer.name, layer.latency_ms, layer.energy_mj, layer.bytes_moved, *layer.details.items())
        first, count = by_content.get(content, (layer, 0))
        by_content[content] = (first, count + counts[id(layer)])
    return list(by_content.values())


def _row(layer: LayerCost, count: int) -> dict[str, float | int | str]:
    """A layer under the column names of the published simulators' tables."""
    row: dict[str, float | int | str] = {"layer": layer.name, "count": count}
    row |= {name: value if isinstance(value, str) else _number(value) for name, value in layer.details.items()}
    if layer.cycles is not None:
        for name in ("compute", "dram", "total"):
            row[f"cycle_{name}"] = _number(getattr(layer.cycles, name))
    row |= {f"e_{part}_uJ": energy for part, energy in layer.energy_uj.items()}
    if layer.energy_mj is not None:
        row["e_total_uJ"] = layer.energy_mj * 1e3
    return {**row, "latency_ms": layer.latency_ms, "macs": layer.macs, "bytes_moved": _number(layer.bytes_moved)}


def _number(value: float) -> float | int:
    """A whole number as one."""
    return int(value) if float(value).is_integer() else value
