"""Synthesise a circuit in the flows asked for; the database keeps each result, so that none is computed twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from device_db import Syntheses
from service.schemas.synthesis import ROUTED_FLOW, FlowResult, SynthesisAnswer, SynthesisRequest
from service.settings import SynthesisSettings
from service.use_cases.build_circuit import build_circuit
from targets.fpga.circuit import Circuit
from targets.fpga.place_and_route import place_and_route, route_tools
from targets.fpga.synthesis import TOOL
from targets.fpga.synthesis import synthesise as count_cells
from targets.fpga.weights import csd_digits
from targets.fpga.yosys import yosys_version

OnProgress = Callable[[int, int], bool]


def check_tools(request: SynthesisRequest) -> None:
    """Return if every flow can run. Raises: ToolMissingError."""
    for flow in request.flows:
        _tool_of(flow)


def synthesise(
    sessions: sessionmaker[Session],
    settings: SynthesisSettings,
    request: SynthesisRequest,
    *,
    on_progress: OnProgress | None = None,
) -> SynthesisAnswer:
    """What the request's circuit takes in each flow; no transaction is open while a tool runs.

    Args:
        sessions: that write.
        settings: limits of each run of a tool.
        on_progress: called several times a second with (done, total) flows; returns True to stop.

    Raises:
        InvalidRequestError: no circuit can be made of the request.
        SynthesisCancelledError: `on_progress` said so.
        SynthesisError: a tool failed or reached a limit.
        ToolMissingError: a tool is not installed.
    """
    circuit = build_circuit(request)
    flows = list(dict.fromkeys(request.flows))
    results: list[FlowResult] = []

    def is_cancelled() -> bool:
        return on_progress is not None and on_progress(len(results), len(flows))

    for flow in flows:
        is_cancelled()  # tells how far it is, also where everything is stored
        results.append(_result(sessions, settings, circuit, flow, is_cancelled))
    is_cancelled()
    return answer_of(request, circuit, results)


def answer_of(request: SynthesisRequest, circuit: Circuit, results: list[FlowResult]) -> SynthesisAnswer:
    """What is known of the request's circuit beside the flows' results."""
    return SynthesisAnswer(
        primitive=request.primitive,
        circuit_hash=circuit.circuit_hash,
        multiply_cores=circuit.primitive.multiply_cores,
        nonzero_weights=int(np.count_nonzero(circuit.weights)),
        csd_digits=csd_digits(circuit.weights),
        latency_cycles=circuit.latency_cycles,
        initiation_interval=circuit.primitive.initiation_interval,
        output_bits=circuit.output_bits,
        results=results,
    )


def _tool_of(flow: str) -> tuple[str, str]:
    return route_tools() if flow == ROUTED_FLOW else (TOOL, yosys_version())


def _result(
    sessions: sessionmaker[Session],
    settings: SynthesisSettings,
    circuit: Circuit,
    flow: str,
    is_cancelled: Callable[[], bool],
) -> FlowResult:
    tool, version = _tool_of(flow)
    with sessions() as session:
        stored = Syntheses(session).find(circuit.circuit_hash, flow, tool, version)
        if stored is not None:
            return _answer(flow, tool, version, stored.figures, stored.seconds, is_stored=True)
    figures = _run(settings, circuit, flow, is_cancelled)
    seconds = figures.pop("seconds")
    with sessions.begin() as session:
        Syntheses(session).store(
            circuit.circuit_hash, flow, tool, version, circuit=_description(circuit), figures=figures, seconds=seconds
        )
    return _answer(flow, tool, version, figures, seconds, is_stored=False)


def _run(settings: SynthesisSettings, circuit: Circuit, flow: str, is_cancelled: Callable[[], bool]) -> dict[str, Any]:
    """The numbers of a result by name, without its tool."""
    timeout_s = settings.max_synthesis_seconds
    if flow == ROUTED_FLOW:
        result = asdict(place_and_route(circuit, timeout_s=timeout_s, is_cancelled=is_cancelled))
    else:
        memory_mb = settings.max_synthesis_memory >> 20
        result = asdict(count_cells(circuit, flow, timeout_s=timeout_s, memory_mb=memory_mb, is_cancelled=is_cancelled))
    return {name: value for name, value in result.items() if name not in ("tool", "tool_version")}


def _description(circuit: Circuit) -> dict[str, Any]:
    return {
        "primitive": circuit.primitive.name,
        "sizes": asdict(circuit.primitive),
        "options": asdict(circuit.options),
        "nonzero_weights": int(np.count_nonzero(circuit.weights)),
    }


def _answer(
    flow: str, tool: str, version: str, figures: dict[str, Any], seconds: float, *, is_stored: bool
) -> FlowResult:
    return FlowResult.model_validate(
        {
            **figures,
            "flow": flow,
            "tool": tool,
            "tool_version": version,
            "seconds": seconds,
            "is_stored": is_stored,
        }
    )
