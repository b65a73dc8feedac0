"""Search for M4BRAM's best configuration for a network, against DLA's, and tell the cycles of every layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service.errors import FieldError, InvalidRequestError, pointing
from service.problems import json_pointer
from service.schemas.simulation import SimulationAnswer, SimulationRequest
from targets import HardwareSpec
from targets.m4bram import DESIGNS, Budget, FoldedLayer, M4bramHardware, NoConfigurationError
from targets.m4bram.design import ACTIVATION_WIDTHS, WEIGHT_WIDTHS
from targets.m4bram.search import Objective
from targets.m4bram.studies import StudiedLayer, Study, UnknownNetworkError, study, study_budget

# Of a hardware description; the rest is the studies' own.
_STUDIED_KEYS: Final = (
    *("name", "description", "clock_ghz", "design", "objective", "native_weight_bits", "native_activation_bits"),
)


def simulate_study(hardware: HardwareSpec, request: SimulationRequest) -> SimulationAnswer:
    """The design and DLA under one budget. Raises: InvalidRequestError that points at what cannot be used."""
    assert request.network is not None
    if not isinstance(hardware, M4bramHardware):
        raise _fault("/network", f"networks are for the M4BRAM family; {hardware.name} takes space, model or layers")
    if request.batch != 1:
        raise _fault("/batch", f"the studies run one sample, got a batch of {request.batch}")
    design = request.variant or hardware.design
    if design not in DESIGNS:
        raise _fault("/variant", f"unknown design {design!r}; known: {', '.join(DESIGNS)}")
    weight_bits = _width("/weight_bits", request.weight_bits or hardware.native_weight_bits, WEIGHT_WIDTHS)
    activation_bits = _width(
        "/activation_bits", request.activation_bits or hardware.native_activation_bits, ACTIVATION_WIDTHS
    )
    is_mixed = weight_bits != activation_bits
    has_dsps = DESIGNS[design].family != "no-dsp"
    usual = study_budget(request.network, weight_bits, is_mixed=is_mixed, has_dsps=has_dsps)
    budget = Budget(request.dsp_budget or usual.dsps, request.bram_budget or usual.brams)
    # As the authors: by speed alone where weights and activations differ, and without DSPs.
    objective: Objective = "cycles" if is_mixed or not has_dsps else "speedup_per_area"
    if "objective" in request.set:
        objective = hardware.objective
    with pointing("/network", UnknownNetworkError), _budget_faults():
        found = study(
            design,
            request.network,
            weight_bits,
            activation_bits,
            budget=budget,
            objective=objective,
        )
    run = {"network": request.network, "w_bits": weight_bits, "a_bits": activation_bits}
    run["experiment"] = "VF_no_dsp" if not has_dsps else "VD_mixed_act" if objective == "cycles" else "VE_vs_bramac"
    return SimulationAnswer(
        target=hardware.name,
        model=hardware.target,
        mode="published",
        workload=request.network,
        stage=None,
        batch=1,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        cycles_compute=found.chosen.cycles,
        cycles_dram=0,
        cycles_total=found.chosen.cycles,
        latency_ms=found.chosen.cycles / (hardware.clock_ghz * 1e6),
        energy_uJ={},
        area_mm2=None,
        macs=sum(layer.folded.macs for layer in found.layers),
        chosen=_chosen(found, budget),
        layers=[run | _row(layer, design, hardware.clock_ghz) for layer in found.layers],
    )


def refuse_unstudied(request: SimulationRequest) -> None:
    """Point at what a study would have to ignore. Raises: InvalidRequestError."""
    faults = []
    if request.mode not in (None, "published"):
        faults.append(FieldError(f"studies are those of mode published, got {request.mode}", pointer="/mode"))
    if request.host is not None:
        faults.append(FieldError("a study has no layers for a host", pointer="/host"))
    if request.precision is not None:
        faults.append(FieldError("a study takes weight_bits and activation_bits", pointer="/precision"))
    faults += [
        FieldError(
            f"a study has its own {key}; what may be set: {', '.join(_STUDIED_KEYS)}; budgets are dsp_budget and "
            "bram_budget of the request",
            pointer=json_pointer(["set", key]),
        )
        for key in request.set
        if key not in _STUDIED_KEYS
    ]
    if faults:
        raise InvalidRequestError(faults)


@contextmanager
def _budget_faults() -> Iterator[None]:
    """Point at the budget that is too small."""
    try:
        yield
    except NoConfigurationError as error:
        raise _fault(f"/{error.short}", str(error)) from error


def _chosen(found: Study, budget: Budget) -> dict[str, float | int]:
    """Under the column names of the authors' summary."""
    columns: dict[str, float | int] = {
        "num_dsp_budget": budget.dsps,
        "num_bram_budget": budget.brams,
        "rvec": found.rvec,
    }
    for side, each in (("dla", found.baseline), ("acc", found.chosen)):
        factors = {factor: value for factor, value in each.configuration.model_dump().items() if value}
        if side == "dla":  # which has factors of one kind
            factors = {factor.removeprefix("dsp_"): value for factor, value in factors.items()}
        columns |= {f"{side}_{factor}": value for factor, value in factors.items()}
        columns |= {
            f"{side}_dsp": each.dsps,
            f"{side}_fcache_bram": each.filter_brams,
            f"{side}_streambuf_bram": each.stream_brams,
            f"{side}_area": each.area,
            f"{side}_cycles": each.cycles,
        }
    return {
        **columns,
        "area_ratio": found.area_ratio,
        "speedup": found.speedup,
        "speedup_per_area": found.speedup / found.area_ratio,
    }


def _row(layer: StudiedLayer, design: str, clock_ghz: float) -> dict[str, float | int | str]:
    return {
        "layer": layer.name,
        "count": 1,
        "accel": design.removesuffix("-no-DSP"),  # the experiment tells that
        "type": layer.folded.kind,
        "dla_dims": _dims(layer.baseline),
        "accel_dims": _dims(layer.folded),
        "dla_cycles": layer.baseline_cycles,
        "accel_cycles": layer.cycles,
        "cycle_total": layer.cycles,
        "latency_ms": layer.cycles / (clock_ghz * 1e6),
        "macs": layer.folded.macs,
    }


def _dims(layer: FoldedLayer) -> str:
    loops = (layer.R, layer.S, layer.C, layer.P, layer.Q, layer.K) if layer.kind == "conv" else (layer.C, layer.K)
    return "x".join(map(str, loops))


def _width(pointer: str, bits: float, widths: tuple[int, ...]) -> int:
    if bits not in widths:
        raise _fault(pointer, f"{bits:g} bits are not among those of the studies: {', '.join(map(str, widths))}")
    return int(bits)


def _fault(pointer: str, reason: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(reason, pointer=pointer)])
