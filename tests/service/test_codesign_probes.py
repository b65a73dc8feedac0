"""A search is refused before it begins only where the cost model surely refuses every architecture of the space."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from service.codesign import Codesign
from spaces import SPACES, Architecture
from spaces.layer_groups import ENDS, layers_of
from targets import build_target, catalogue_description, segment_costs, vary_hardware

BODY = {"space": "nb201", "objectives": ["latency_ms"], "algorithm": "random"}
NB201 = SPACES["nb201"]
EMPTY = NB201.parse("0-0-0-0-0-0")


def refused(architectures: Sequence[Architecture], **changes: Any) -> NDArray[np.bool_]:
    """Whether the part with these changes gives each architecture no cost."""
    target = build_target(vary_hardware(catalogue_description("fpga_unrolled"), changes))
    return np.isnan(segment_costs(target, NB201, architectures, is_partial=True).latency_ms)


def ask(client: TestClient, status: int, **body: Any) -> Any:
    answer = client.post("/search", json=BODY | body)
    if answer.status_code == 202:  # a busy machine: the server waits no longer than its limit
        while (view := client.get(answer.headers["Location"]).json())["state"] in ("queued", "running"):
            time.sleep(0.1)
        found = view["result"] or view["problem"]
        assert found.get("status", 200) == status, found
        return found
    assert answer.status_code == status, answer.text
    return answer.json()


def test_search_whose_drawn_networks_are_all_extrapolated_finds_the_others(
    shared: TestClient, monkeypatch: pytest.MonkeyPatch
):
    # Wider than those of any circuit that was synthesised: what is unrolled is extrapolated.
    beyond_widths = {"extrapolates": False, "native_activation_bits": 9}
    cells = NB201.sample(300, rng=np.random.default_rng(0))
    beyond = [cells[row] for row in np.flatnonzero(refused(cells, **beyond_widths)).tolist()]
    assert 8 <= len(beyond) < len(cells)
    monkeypatch.setattr(Codesign, "_probes", beyond[:8])
    answer = ask(
        shared,
        200,
        device="fpga_unrolled",
        hardware={"extrapolates": [False], "native_activation_bits": [9]},
        budget={"evaluations": 200},
    )
    assert 0 < answer["failed"] < 200
    (warning,) = answer["warnings"]
    assert "would rest on extrapolated areas" in warning


def test_search_whose_drawn_networks_do_not_fit_finds_those_that_do(shared: TestClient):
    # Of logic alone, with hardly more than the smallest network takes.
    luts = next(luts for luts in range(250, 50_000, 250) if not refused([EMPTY], luts=luts, dsps=0).any())
    assert refused(NB201.sample(8, rng=np.random.default_rng(0)), luts=luts, dsps=0).all()
    hardware = {"luts": [luts], "dsps": [0]}
    answer = ask(shared, 200, device="fpga_unrolled", hardware=hardware, budget={"evaluations": 1000})
    assert answer["front"]


def test_search_that_nothing_survives_says_what_the_model_refused(shared: TestClient):
    hardware = {"luts": [1], "dsps": [0]}
    (fault,) = ask(shared, 422, device="fpga_unrolled", hardware=hardware, budget={"evaluations": 30})["errors"]
    assert "failed for each of the 30 architectures evaluated" in fault["reason"]
    assert "the network takes at least" in fault["reason"]


@pytest.mark.parametrize(
    ("changes", "is_certain"), [({"bram_budget": [8]}, False), ({"dsp_budget": [1]}, True)], ids=["brams", "dsps"]
)
def test_search_budget_is_refused_at_once_only_where_no_network_counts(
    shared: TestClient, changes: dict[str, list[int]], is_certain: bool
):
    problem = ask(
        shared, 422, device="m4bram", hardware={"configuration": [None], **changes}, budget={"evaluations": 30}
    )
    (name,) = changes
    pointers = {fault.get("pointer") for fault in problem["errors"]}
    assert (f"/hardware/{name}/0" in pointers) is is_certain
    assert "no configuration of" in problem["errors"][0]["reason"]


@pytest.mark.parametrize("name", SPACES)
def test_ends_of_a_spaces_networks_are_of_the_same_kinds(name: str):
    space = SPACES[name]
    drawn = space.sample(20, rng=np.random.default_rng(6))
    kinds = {frozenset(layer.kind for layer in layers_of(space.workload(each).layers, ENDS)) for each in drawn}
    assert len(kinds) == 1
    assert {"conv", "linear", "pool"} <= next(iter(kinds))


def test_search_in_a_space_whose_layers_all_depend_on_decisions_is_refused_for_its_head(shared: TestClient):
    body = {"space": "ofa", "device": "dla", "hardware": {"mode": ["published"]}, "budget": {"evaluations": 10}}
    ((pointer, reason),) = [(fault["pointer"], fault["reason"]) for fault in ask(shared, 422, **body)["errors"]]
    assert pointer == "/hardware/mode/0"
    assert reason.startswith("refused for every architecture: dla cannot run the layer")
