"""Layers of a user's own that say which layers they read, and the names that hardware may be given under."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.cli.layers_file import LayersFile
from service.layer_reads import named_reads
from service.schemas.simulation import LayerInput
from spaces import SPACES
from tests.service.simulating import refusal, simulate

FPGA = "fpga_unrolled"


def conv(name: str, reads: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "conv", "in_channels": 16, "in_height": 32, "kernel": 3, "reads": reads} | more


def add(name: str, reads: list[str], **more: Any) -> dict[str, Any]:
    return conv(name, reads, kind="add", kernel=1, **more)


BRANCHES = [conv("first"), conv("left"), conv("right", ["first"]), add("sum", ["left", "right"])]
CHAIN = [each | {"reads": None} for each in BRANCHES]


def test_branches_run_side_by_side_and_a_chain_does_not(shared: TestClient):
    branched = simulate(shared, target=FPGA, layers=BRANCHES)
    chain = simulate(shared, target=FPGA, layers=CHAIN)
    assert branched["latency_ms"] < chain["latency_ms"]
    in_words = [BRANCHES[0] | {"reads": ["input"]}, BRANCHES[1] | {"reads": ["first"]}, *BRANCHES[2:]]
    assert simulate(shared, target=FPGA, layers=in_words) == branched


def test_layers_of_an_architecture_that_say_what_they_read_cost_what_it_costs(shared: TestClient):
    space = SPACES["nb201"]
    cell = space.parse("3-2-1-3-1-2")
    workload = space.workload(cell)
    layers = []
    for number, (layer, back) in enumerate(zip(workload.layers, workload.reads, strict=True)):
        shape = ("kind", "in_channels", "out_channels", "in_height", "in_width", "out_height", "out_width")
        numbers = ("kernel", "stride", "groups", "has_bias", "inputs")
        names = [f"layer{number - each}" for each in back] or ["input"]
        fields = {name: getattr(layer, name) for name in (*shape, *numbers)}
        layers.append({"name": f"layer{number}", "reads": names, **fields})
    given = simulate(shared, target=FPGA, layers=layers)
    of_space = simulate(shared, target=FPGA, space="nb201", architecture=cell.key)
    assert given["latency_ms"] == pytest.approx(of_space["latency_ms"], rel=1e-9)
    chain = simulate(shared, target=FPGA, layers=[layer | {"reads": None} for layer in layers])
    assert chain["latency_ms"] > given["latency_ms"] * 1.01


def test_addition_has_as_many_inputs_as_it_reads_unless_it_says(shared: TestClient):
    layers = [conv("a"), conv("b"), add("sum", ["a", "b"])]
    moved = {
        inputs: simulate(shared, target="roofline-edge-npu", layers=[*layers[:2], layers[2] | inputs_of])["latency_ms"]
        for inputs, inputs_of in ((None, {}), (2, {"inputs": 2}), (1, {"inputs": 1}))
    }
    assert moved[None] == moved[2] > moved[1]


def test_layer_that_a_user_calls_input_is_what_is_read():
    def reads(*layers: dict[str, Any]) -> Any:
        return named_reads([LayerInput(**layer) for layer in layers])

    assert reads(conv("a"), conv("b")) == ()
    assert reads(conv("a"), conv("b", ["input"]), conv("c", ["a", "input", "a"])) == ((), (), (2,))
    assert reads(conv("a"), conv("input"), conv("c", ["input", "a"])) == ((), (1,), (1, 2))


@pytest.mark.parametrize(
    ("layers", "pointer", "reason"),
    [
        ([conv("a"), conv("b", ["a", "c"])], "/layers/1/reads/1", "no layer is called 'c'; 'input' is the network's"),
        ([conv("a"), conv("b", ["c"]), conv("c")], "/layers/1/reads/0", "the layer 'c' comes no earlier"),
        ([conv("a", ["a"])], "/layers/0/reads/0", "the layer 'a' comes no earlier"),
        ([conv("a"), conv("a"), conv("b", ["a"])], "/layers/2/reads/0", "2 layers are called 'a'"),
        ([conv("a", [])], "/layers/0/reads", "at least 1"),
    ],
)
def test_read_that_means_no_layer_before_is_refused_at_its_place(
    shared: TestClient, layers: list[dict[str, Any]], pointer: str, reason: str
):
    ((found, told),) = refusal(shared, target=FPGA, layers=layers)
    assert found == pointer
    assert reason in told


def test_cell_of_a_file_has_names_that_semicolons_part(tmp_path: Path):
    file = tmp_path / "layers.csv"
    file.write_text("name,kind,reads\na,conv,\nb c,conv,input\nd,add,a; b c\n")
    assert [row.get("reads") for row in LayersFile.read(file).rows] == [None, ["input"], ["a", "b c"]]


def test_device_is_another_name_for_the_target(shared: TestClient):
    body = {"space": "nb201", "architecture": "4-3-2-1-3-3"}
    assert simulate(shared, device="olive", **body) == simulate(shared, target="olive", **body)
    of_model = {"model": "llama-2-7b", "stage": "decode"}
    assert simulate(shared, device="olive", **of_model) == simulate(shared, target="olive", **of_model)
    assert refusal(shared, device="olive", target="olive", **body)[0][1].endswith("`device` and `hardware`")
    assert refusal(shared, device="bench-board", **body)[0][0] == "/device"
    assert refusal(shared, device="olive", weight_bits=64, **body)[0][0] == "/weight_bits"
    assert refusal(shared, device="dla", mode="published", **body)[0][0] == "/device"
