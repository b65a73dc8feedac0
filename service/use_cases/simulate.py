"""Run a workload on a target and tell the cost of every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from service.errors import FieldError, InvalidRequestError, pointing
from service.layer_reads import named_reads
from service.lookup import body_space, parse_architectures
from service.schemas.simulation import SimulationAnswer, SimulationRequest
from service.use_cases.simulate_study import refuse_unstudied, simulate_study
from service.use_cases.simulation_target import SimulatedHardware
from spaces import SearchSpace
from spaces.base import Workload
from spaces.layer_groups import layer_group
from targets import BitSerialHardware, Cost, HardwareSpec, LayerCost, Mode, UnsupportedLayerError
from targets.bitvert.arithmetic import counted_weights
from targets.llm import UnknownModelError, llm_workload

# Weights that are drawn and whose bits are counted, for designs whose cycles depend on them: half a gigabyte for one
# layer, and seconds for all of them.
_MOST_COUNTED_PER_LAYER: Final = 2**25
_MOST_COUNTED_PER_RUN: Final = 2**27
# With the cycles that each takes, 64-bit integers hold either.
_MOST_PER_LAYER: Final = 2**50
_MOST_PER_RUN: Final = 2**56
_OF_MODELS: Final = ("stage", "context", "tokens")


def simulate(spaces: Mapping[str, SearchSpace], request: SimulationRequest) -> SimulationAnswer:
    """The cost of the request's workload. Raises: InvalidRequestError that points at what cannot be used."""
    _refuse_unused(request)
    if request.network is not None:
        refuse_unstudied(request)
    hardware = SimulatedHardware(request)
    if request.network is not None:
        return simulate_study(hardware.spec, request)
    space = None if request.space is None else body_space(spaces, request.space)
    workload = _workload(space, request, hardware.mode)
    target = hardware.target(space or _Network(workload))
    _check_size(request, workload)
    _check_weights(request, hardware.spec, workload)
    with hardware.faults(), _layer_faults(request):
        cost = target.cost(workload)
    precision = target.native_precision
    return SimulationAnswer(
        target=target.name,
        model=cost.model,
        mode=hardware.mode,
        workload=_workload_name(request),
        stage=request.stage if request.model is not None else None,
        batch=request.batch,
        weight_bits=precision.weight_bits,
        activation_bits=precision.activation_bits,
        weight_format=hardware.spec.number_format.name if hardware.spec.number_format else None,
        cycles_compute=_number(cost.cycles.compute) if cost.cycles else None,
        cycles_dram=_number(cost.cycles.dram) if cost.cycles else None,
        cycles_total=_number(cost.cycles.total) if cost.cycles else None,
        latency_ms=cost.latency_ms,
        energy_uJ=_energies(cost),
        area_mm2=cost.area_mm2,
        resources=dict(cost.resources) or None,
        macs=sum(layer.macs for layer in cost.layers),
        warnings=list(cost.warnings),
        layers=[_row(layer, count) for layer, count in _grouped(cost.layers)],
    )


@dataclass(frozen=True, slots=True)
class _Network:
    """The groups of a workload's layers; a `HasLayerGroups`."""

    workload: Workload

    @property
    def name(self) -> str:
        """For errors."""
        return "the workload"

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """In order of appearance."""
        return tuple(dict.fromkeys(map(layer_group, self.workload.layers)))


def _refuse_unused(request: SimulationRequest) -> None:
    """Point at what only language models have, where none runs. Raises: InvalidRequestError."""
    if request.model is None:
        given = [name for name in _OF_MODELS if name in request.model_fields_set]
        if given:
            raise InvalidRequestError([FieldError(f"{name} goes with `model`", pointer=f"/{name}") for name in given])


def _workload(space: SearchSpace | None, request: SimulationRequest, mode: Mode | None) -> Workload:
    if request.layers is not None:
        layers = tuple(layer.layer() for layer in request.layers)
        shape = (layers[0].in_channels, layers[0].in_height, layers[0].in_width)
        return Workload(layers, shape, batch=request.batch, reads=named_reads(request.layers))
    if space is not None:
        assert request.architecture is not None
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
                pointer = f"/layers/{index}" if request.layers else _workload_pointer(request)
                raise InvalidRequestError([FieldError(reason, pointer=pointer)])
    for what, count in (
        ("multiply-accumulates", workload.macs),
        ("values read and written", sum(layer.in_elements + layer.out_elements for layer in workload.layers)),
    ):
        if workload.batch * count > _MOST_PER_RUN:
            reason = f"{workload.batch * count:.3g} {what} are too many, the most is {_MOST_PER_RUN:.3g}"
            raise InvalidRequestError(
                [FieldError(reason, pointer="/batch" if workload.batch > 1 else _workload_pointer(request))]
            )


def _workload_pointer(request: SimulationRequest) -> str:
    """Of what decides how large the workload is."""
    if request.layers is not None:
        return "/layers"
    return "/architecture" if request.space is not None else "/context"


@contextmanager
def _layer_faults(request: SimulationRequest) -> Iterator[None]:
    """Point at a layer that the hardware cannot run, where the request has it."""
    try:
        yield
    except UnsupportedLayerError as error:
        same = [
            index
            for index, layer in enumerate(request.layers or ())
            if (layer.name, layer.kind) == (error.layer, error.kind)
        ]
        pointer = f"/layers/{same[0]}" if same else request.hardware_pointer
        raise InvalidRequestError([FieldError(str(error), pointer=pointer)]) from error


def _check_weights(request: SimulationRequest, hardware: HardwareSpec, workload: Workload) -> None:
    """Refuse networks of more weights than the bits of are counted while a client waits."""
    if not isinstance(hardware, BitSerialHardware):
        return
    # Each layer's first appearance; the same shape is counted once.
    distinct = {replace(layer, name=""): index for index, layer in reversed(list(enumerate(workload.layers)))}
    counts = {index: count for layer, index in distinct.items() if (count := counted_weights(layer, hardware))}
    faults = [
        (count, f"of layer {workload.layers[index].name!r}", _MOST_COUNTED_PER_LAYER, f"/layers/{index}")
        for index, count in counts.items()
        if count > _MOST_COUNTED_PER_LAYER
    ]
    total = sum(counts.values())
    if not faults and total > _MOST_COUNTED_PER_RUN:
        faults.append((total, f"of {len(counts):,} different layers", _MOST_COUNTED_PER_RUN, "/layers"))
    if faults:
        raise InvalidRequestError(
            [
                FieldError(
                    f"{hardware.name} counts the bits of weights; {count:,} {of_what} are too many, "
                    f"the most is {most:,}",
                    pointer=pointer if request.layers else _workload_pointer(request),
                )
                for count, of_what, most, pointer in faults
            ]
        )


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


def _row(layer: LayerCost, count: int) -> dict[str, bool | float | int | str]:
    """A layer under the column names of the published simulators' tables."""
    row: dict[str, bool | float | int | str] = {"layer": layer.name, "count": count}
    row |= {name: value if isinstance(value, str | bool) else _number(value) for name, value in layer.details.items()}
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
