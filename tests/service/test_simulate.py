"""GET /targets and POST /simulate."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from spaces import SPACES
from spaces.base import Workload
from targets import hardware_names, load_hardware, load_target
from targets.llm import llm_names

CELL = "4-3-2-1-3-3"
NETWORK = {"space": "nb201", "architecture": CELL}
LAYERS = [
    {"name": "stem", "kind": "conv", "in_channels": 3, "out_channels": 16, "in_height": 32, "kernel": 3, "stride": 2},
    {"name": "depthwise", "kind": "conv", "in_channels": 16, "in_height": 16, "kernel": 3, "groups": 16},
    {"name": "add", "kind": "add", "in_channels": 16, "in_height": 16, "inputs": 2},
    {"name": "classifier", "kind": "linear", "in_channels": 16, "out_channels": 10},
]


def simulate(client: TestClient, **body: Any) -> Any:
    response = client.post("/simulate", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(client: TestClient, **body: Any) -> list[tuple[str, str]]:
    response = client.post("/simulate", json=body)
    assert response.status_code == 422, response.text
    return [(fault.get("pointer", ""), fault["reason"]) for fault in response.json()["errors"]]


def test_targets_are_the_catalogue_with_modes_and_models(shared: TestClient):
    answer = shared.get("/targets").json()
    assert [each["name"] for each in answer["targets"]] == list(hardware_names())
    assert answer["models"] == list(llm_names())
    by_name = {each["name"]: each for each in answer["targets"]}
    assert by_name["bitmod-lossy"]["modes"] == ["published", "figures", "refined"]
    assert by_name["roofline-edge-npu"]["modes"] == []
    assert by_name["bitvert-moderate"]["metrics"] == [
        *("accuracy", "energy_mj", "latency_ms", "macs", "params", "peak_memory_bytes"),
        *("quantisation_mse", "quantisation_sqnr_db"),
    ]
    assert "energy_mj" not in by_name["m4bram"]["metrics"]
    assert "area_mm2" in by_name["ant"]["metrics"]
    assert by_name["olive"]["hardware"] == load_hardware("olive").model_dump(mode="json")


def test_simulate_architecture_is_the_targets_cost(shared: TestClient):
    answer = simulate(shared, target="olive", batch=2, **NETWORK)
    space = SPACES["nb201"]
    cost = load_target("olive").cost(Workload(space.workload(space.parse(CELL)).layers, batch=2))
    assert cost.cycles is not None
    assert answer["latency_ms"] == cost.latency_ms
    assert (answer["cycles_compute"], answer["cycles_dram"]) == (cost.cycles.compute, cost.cycles.dram)
    assert answer["cycles_total"] == cost.cycles.total == sum(row["cycle_total"] for row in answer["layers"])
    assert answer["energy_uJ"] == {**cost.energy_uj, "total": (cost.energy_mj or 0) * 1e3}
    assert [row["layer"] for row in answer["layers"]] == [row.name for row in cost.layers]


def test_simulate_answers_as_predict_latency_does(shared: TestClient):
    for device in ("olive", "roofline-edge-npu"):
        simulated = simulate(shared, target=device, **NETWORK)["latency_ms"]
        predicted = shared.post("/predict_latency", json={"device": device, **NETWORK}).json()["results"][0]
        assert predicted["latency_ms"] == pytest.approx(simulated, rel=1e-12)
        assert predicted["origin"] == "simulated"


@pytest.mark.data
@pytest.mark.parametrize(("version", "mode"), [("v1", "figures"), ("v2", "published")])
def test_simulate_language_model_equals_the_golden_summary(
    shared: TestClient, goldens_dir: Path, version: str, mode: str
):
    with (goldens_dir / f"bitmod_summary_{version}.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "llama-2-7b"]
    assert len(rows) == 10
    for row in rows:
        stage = {"generation": "decode"}.get(row["stage"], row["stage"])
        target = row["accelerator"].replace("_", "-")
        answer = simulate(shared, target=target, model="llama-2-7b", stage=stage, mode=mode)
        assert answer["weight_bits"] == float(row["w_prec"])
        for name in ("compute", "dram", "total"):
            assert answer[f"cycles_{name}"] == float(row[f"cycles_{name}"])
        for part in ("compute", "sram_rd", "sram_wr", "dram", "total"):
            assert answer["energy_uJ"][part] == pytest.approx(float(row[f"e_{part}_uJ"]), abs=6e-4)


def test_simulate_equal_layers_are_one_row_with_their_count(shared: TestClient):
    rows = simulate(shared, target="olive", model="opt-1.3b", stage="decode")["layers"]
    assert {row["layer"]: row["count"] for row in rows}["self_attn.q_proj"] == 24
    assert [row["count"] for row in rows] == [24] * 8 + [1]


def test_simulate_tokens_see_a_growing_context_when_refined(shared: TestClient):
    body = {"target": "bitmod-lossy", "model": "opt-1.3b", "stage": "decode"}
    one, four = (simulate(shared, tokens=tokens, mode="refined", **body)["latency_ms"] for tokens in (1, 4))
    assert four > 4 * one
    assert simulate(shared, tokens=4, **body)["latency_ms"] == pytest.approx(4 * simulate(shared, **body)["latency_ms"])


def test_simulate_layers_fill_in_what_follows(shared: TestClient):
    answer = simulate(shared, target="fp16", layers=LAYERS)
    assert [row["macs"] for row in answer["layers"]] == [16 * 16 * 16 * 27, 16 * 16 * 16 * 9, 0, 160]
    assert answer["macs"] == sum(row["macs"] for row in answer["layers"])


def test_simulate_changed_and_whole_hardware_agree(shared: TestClient):
    changed = simulate(shared, target="olive", layers=LAYERS, set={"rows": 8, "clock_ghz": 0.5})
    hardware = {**load_hardware("olive").model_dump(mode="json"), "rows": 8, "clock_ghz": 0.5}
    whole = simulate(shared, hardware=hardware, layers=LAYERS)
    assert whole == changed
    assert changed["cycles_compute"] > simulate(shared, target="olive", layers=LAYERS)["cycles_compute"]


def test_simulate_nested_key_is_changed(shared: TestClient):
    body = {"target": "roofline-edge-npu", "layers": LAYERS}
    hungry = simulate(shared, set={"arithmetic.0.energy_pj_per_mac": 1.5}, **body)
    extra_uj = hungry["energy_uJ"]["total"] - simulate(shared, **body)["energy_uJ"]["total"]
    assert extra_uj == pytest.approx(hungry["macs"] * 1e-6)


def test_simulate_host_runs_what_the_target_cannot(shared: TestClient):
    body = {"target": "stripes", "mode": "published", "layers": LAYERS}
    (fault,) = refusal(shared, **body)
    assert fault[0] == "/layers/2"
    assert "stripes cannot run the layer 'add' (add)" in fault[1]
    hosted = simulate(shared, host="roofline-phone-cpu", **body)
    assert hosted["energy_uJ"]["host"] > 0
    assert [row["layer"] for row in hosted["layers"]] == [layer["name"] for layer in LAYERS]


def test_simulate_deeply_nested_hardware_is_refused(shared: TestClient):
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    hardware = {**load_hardware("olive").model_dump(mode="json"), "rows": deep, "more": {"a": deep}}
    assert {pointer for pointer, _ in refusal(shared, hardware=hardware, **NETWORK)} == {"/hardware"}


def test_simulate_wider_weights_take_longer(shared: TestClient):
    latency = [
        simulate(shared, target="bitmod-lossy", mode="refined", weight_bits=bits, **NETWORK)["latency_ms"]
        for bits in (3, 6, 8)
    ]
    assert latency == sorted(latency)
    assert latency[0] < latency[-1]


def test_simulate_format_brings_its_width_in_both_stages(shared: TestClient):
    for stage in ("prefill", "decode"):
        body = {"target": "bitmod-lossy", "model": "opt-1.3b", "stage": stage}
        native = simulate(shared, **body)
        assert native["weight_format"] == {"prefill": "bitmod4", "decode": "bitmod3"}[stage]
        alike = [
            simulate(shared, **body, **changes)
            for changes in (
                {"set": {"weight_format": "int8"}},
                {"set": {"native_weight_bits": 8.0625}},
                {"precision": {"weight_format": "int8"}},
                {"weight_bits": 8.0625},
            )
        ]
        assert {(each["weight_bits"], each["weight_format"]) for each in alike} == {(8.0625, "int8")}
        assert len({each["latency_ms"] for each in alike}) == 1
        assert alike[0]["latency_ms"] > native["latency_ms"]


def test_simulate_chosen_width_goes_before_that_of_the_comparison(shared: TestClient):
    body = {"target": "ant", "model": "llama-2-13b"}
    assert simulate(shared, **body)["weight_bits"] == 4
    assert simulate(shared, set={"native_weight_bits": 3}, **body)["weight_bits"] == 3
    assert simulate(shared, set={"weight_format": "ant7"}, **body)["weight_bits"] == 7


def test_simulate_groups_of_layers_have_precisions_of_their_own(shared: TestClient):
    body = {"target": "bitmod-lossy", "model": "llama-2-7b", "mode": "refined"}
    precision = {"weight_bits": 3, "groups": {"mlp": {"weight_bits": 8}, "lm_head": {"weight_format": "int6"}}}
    rows = {row["layer"]: row for row in simulate(shared, precision=precision, **body)["layers"]}
    assert rows["self_attn.q_proj"]["w_prec"] == 3
    assert rows["mlp.up_proj"]["w_prec"] == 8
    assert rows["lm_head"]["w_prec"] == 6.0625
    whole = {row["layer"]: row for row in simulate(shared, weight_bits=8, **body)["layers"]}
    assert rows["mlp.up_proj"]["latency_ms"] == whole["mlp.up_proj"]["latency_ms"]


def test_simulate_groups_of_an_architecture_are_those_of_its_space(shared: TestClient):
    precision = {"weight_bits": 8, "groups": {"body": {"weight_bits": 4}, "stage1": {"activation_bits": 8}}}
    rows = simulate(shared, target="bitmod-lossy", precision=precision, **NETWORK)["layers"]
    found = {(row["layer"].split(".")[0], row["w_prec"], row["i_prec"]) for row in rows if row["macs"]}
    assert found == {
        ("stem", 8, 16),
        ("stage0", 4, 16),
        ("stage1", 8, 8),
        ("stage2", 4, 16),
        ("head", 8, 16),
    }


def test_simulate_budget_has_the_configuration_searched_for(shared: TestClient):
    body = {"target": "m4bram", **NETWORK}
    slow, fast = (simulate(shared, set={"dsp_budget": dsps}, **body)["cycles_compute"] for dsps in (200, 2000))
    assert fast < slow


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"precision": {"weight_bits": 17}}, "/precision/weight_bits", "17-bit operands"),
        ({"precision": {"weight_format": "int99"}}, "/precision/weight_format", "unknown number format"),
        ({"precision": {"weight_bits": 4, "weight_format": "int4"}}, "/precision", "a format brings its width"),
        ({"precision": {"weight_bits": 4}, "weight_bits": 4}, "/weight_bits", "/precision/weight_bits chooses that"),
        ({"precision": {"weight_bits": 4}, "set": {"weight_format": "int4"}}, "/set/weight_format", "chooses that too"),
        ({"weight_bits": 4, "set": {"native_weight_bits": 4}}, "/set/native_weight_bits", "/weight_bits chooses"),
        ({"mode": "refined", "set": {"mode": "published"}}, "/set/mode", "/mode chooses that too"),
        ({"set": {"weight_format": "int8", "native_weight_bits": 4}}, "/set/weight_format", "int8 has 8 bits"),
        ({"precision": {"groups": {"head": {}}}}, "/precision/groups", "'head' has no precision"),
        ({"precision": {"groups": {"tail": {"weight_bits": 4}}}}, "/precision/groups/tail", "known: stem, stage0"),
        (
            {"precision": {"groups": {"head": {"activation_bits": 32}}}},
            "/precision/groups/head/activation_bits",
            "32-bit operands",
        ),
        (
            {"precision": {"groups": {"head": {"weight_format": "x"}}}},
            "/precision/groups/head/weight_format",
            "unknown number format",
        ),
        (
            {"target": "bitvert-moderate", "mode": "published", "precision": {"groups": {"head": {"weight_bits": 4}}}},
            "/precision/groups",
            "do not add over layers",
        ),
        ({"target": "m4bram", "set": {"rvec": 60}}, "/set/rvec", "DSPs, dsp_budget is 1152"),
        ({"target": "m4bram", "set": {"rvec": 60, "clock_ghz": 0.2}}, "/set", "DSPs, dsp_budget is 1152"),
        ({"target": "dla", "mode": "published"}, "/target", "cannot run the layer"),
        ({"target": "roofline-edge-npu", "weight_bits": 32}, "/weight_bits", "at most 16"),
    ],
)
def test_simulate_senseless_precision_is_refused_where_it_is_wrong(
    shared: TestClient, body: dict[str, Any], pointer: str, reason: str
):
    ((found, message), *_) = refusal(shared, **{"target": "bitmod-lossy", **NETWORK, **body})
    assert found == pointer, message
    assert reason in message


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"target": "abacus", **NETWORK}, "/target", "unknown hardware 'abacus'; known: "),
        ({"target": "olive", "host": "abacus", **NETWORK}, "/host", "unknown hardware 'abacus'"),
        ({"target": "olive", "space": "nb999", "architecture": CELL}, "/space", "nb999"),
        ({"target": "olive", "space": "nb201", "architecture": "x"}, "/architecture", "x"),
        ({"target": "olive", "model": "gpt-9"}, "/model", "unknown language model 'gpt-9'"),
        (
            {"target": "olive", "model": "phi-2", "set": {"stage": "decode"}},
            "/set/stage",
            "choose the stage as `stage`",
        ),
        ({"target": "olive", "model": "phi-2", "tokens": 2}, "/tokens", "tokens are written by the stage decode"),
        ({"target": "olive", "weight_bits": 17, **NETWORK}, "/weight_bits", "17-bit operands"),
        ({"target": "olive", "activation_bits": 32, **NETWORK}, "/activation_bits", "32-bit operands"),
        ({"target": "olive", "set": {"row": 3}, **NETWORK}, "/set/row", "Extra inputs"),
        ({"target": "olive", "set": {"a.b": 3}, **NETWORK}, "/set/a.b", "leads to no key"),
        ({"target": "olive", "set": {"rows": 0}, **NETWORK}, "/set/rows", "greater than or equal to 1"),
        ({"target": "roofline-edge-npu", "mode": "refined", **NETWORK}, "/mode", "the model roofline has no modes"),
        ({"target": "olive", "stage": "decode", **NETWORK}, "/stage", "stage goes with `model`"),
        ({"target": "olive", "context": 512, **NETWORK}, "/context", "context goes with `model`"),
        ({"target": "olive", "tokens": 2, "layers": LAYERS}, "/tokens", "tokens goes with `model`"),
        ({"target": "m4bram", "stage": "prefill", "network": "resnet18"}, "/stage", "goes with `model`"),
        ({"target": "olive", "set": {"rows": {"a": 1}}, **NETWORK}, "/set/rows", "a value is a number, true"),
        ({"hardware": {"target": "magic"}, **NETWORK}, "/hardware", "unknown target 'magic'"),
        ({"hardware": {}, **NETWORK}, "/hardware", "target: must name one of"),
        ({"target": "olive"}, "", "give `space` and `architecture`, or `model`, or `layers`"),
        ({"target": "olive", "model": "phi-2", **NETWORK}, "", "give `space` and `architecture`"),
        ({"target": "olive", "space": "nb201"}, "", "go together"),
        (NETWORK, "", "one of `target`, `device` and `hardware`"),
        (
            {"target": "olive", "set": {"clock_ghz": 1e-308}, **NETWORK},
            "/set/clock_ghz",
            "greater than or equal to",
        ),
        (
            {"target": "olive", "set": {"pe_pj_per_cycle": 1e308}, **NETWORK},
            "/set/pe_pj_per_cycle",
            "less than or equal",
        ),
        (
            {"target": "stripes", "set": {"dram_bits_per_cycle": 1e-308}, **NETWORK},
            "/set/dram_bits_per_cycle",
            "greater than or equal to",
        ),
        (
            {"target": "bitlet", "layers": [{"name": "x", "kind": "linear", "in_channels": 2**24}]},
            "/layers/0",
            "536,870,912 of layer 'x' are too many, the most is 33,554,432",
        ),
        (
            {"target": "olive", "layers": [{"name": "x", "kind": "conv", "in_channels": 3, "groups": 2}]},
            "/layers/0",
            "groups 2 of 'x' do not divide 3 channels",
        ),
    ],
)
def test_simulate_senseless_request_is_refused_where_it_is_wrong(
    shared: TestClient, body: dict[str, Any], pointer: str, reason: str
):
    ((found, message), *_) = refusal(shared, **body)
    assert found == pointer
    assert reason in message


@pytest.mark.parametrize("target", ["pragmatic", "bitlet", "bitwave", "bitvert-no-bbs"])
def test_simulate_more_weights_than_are_counted_at_once_are_refused(shared: TestClient, target: str):
    layers = [{"name": f"x{i}", "kind": "linear", "in_channels": 64 * (i + 1000)} for i in range(3000)]
    ((pointer, reason),) = refusal(shared, target=target, layers=layers)
    assert pointer == "/layers"
    assert re.search(r"[\d,]{11} of 3,000 different layers are too many, the most is 134,217,728", reason)
    # What repeats is counted once, and designs of constant cycles count nothing.
    simulate(shared, target=target, layers=[{**layers[0], "name": f"x{i}"} for i in range(3000)])
    simulate(shared, target="stripes", layers=layers)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ({"kind": "conv", "in_channels": 3, "in_height": 32, "out_height": 500}, "at most 32"),
        (
            {"kind": "conv", "in_channels": 3, "in_height": 9, "in_width": 8, "out_width": 12, "kernel": 4},
            "at most 11",
        ),
        ({"kind": "pool", "in_channels": 3, "in_height": 32, "out_height": 32, "kernel": 2, "stride": 2}, "at most 17"),
        ({"kind": "linear", "in_channels": 3, "kernel": 3}, "has no kernel"),
        ({"kind": "conv", "in_channels": 2**18, "in_height": 2**18, "kernel": 3}, "4.25e+22 multiply-accumulates"),
        ({"kind": "add", "in_channels": 2**24, "in_height": 2**24, "inputs": 2}, "values read and written"),
    ],
)
def test_simulate_impossible_or_uncountable_layer_is_refused(shared: TestClient, layer: dict[str, Any], reason: str):
    ((pointer, message),) = refusal(shared, target="dla", layers=[LAYERS[0], {"name": "x", **layer}])
    assert pointer == "/layers/1"
    assert reason in message


def test_simulate_largest_layer_in_a_batch_has_its_cycles(shared: TestClient):
    wide = {"name": "x", "kind": "linear", "in_channels": 2**20, "out_channels": 2**20, "in_width": 2**9}
    for target in ("m4bram", "dla", "bramac"):
        for mode in ("published", "refined"):
            body = {"target": target, "mode": mode, "layers": [wide]}
            one, many = (simulate(shared, batch=batch, **body)["cycles_compute"] for batch in (1, 64))
            assert many == pytest.approx(64 * one, rel=0.01)  # a batch fills the arrays a little better
            assert one > 0
    ((pointer, _),) = refusal(shared, target="dla", layers=[wide], batch=256)
    assert pointer == "/batch"
    many = [{**wide, "name": f"x{index}"} for index in range(256)]
    assert [pointer for pointer, _ in refusal(shared, target="dla", layers=many)] == ["/layers"]
    long = {"target": "dla", "model": "llama-2-7b", "context": 1000, "batch": 65_536}
    assert [pointer for pointer, _ in refusal(shared, **long)] == ["/batch"]


@pytest.mark.parametrize(("key", "takes"), [("dsp_budget", "DSPs"), ("bram_budget", "block RAMs")])
def test_simulate_no_configuration_within_the_budget_points_at_it(shared: TestClient, key: str, takes: str):
    body = {"target": "m4bram", "layers": [{"name": "a", "kind": "conv", "in_channels": 8, "in_height": 8}]}
    ((pointer, reason),) = refusal(shared, set={"configuration": None, key: 1}, **body)
    assert pointer == f"/set/{key}"
    assert re.search(rf"fits into .* it takes at least \d+ {takes}", reason)
    hardware = {**load_hardware("m4bram").model_dump(mode="json"), "configuration": None, key: 1}
    ((pointer, _),) = refusal(shared, hardware=hardware, layers=body["layers"])
    assert pointer == "/hardware"


@pytest.mark.data
def test_simulate_network_equals_every_golden_study(shared: TestClient, goldens_dir: Path):
    with (goldens_dir / "m4bram_summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 86
    for row in rows:
        variant = row["accel"] + ("-no-DSP" if row["experiment"] == "VF_no_dsp" else "")
        bits = {"weight_bits": int(row["w_bits"]), "activation_bits": int(row["a_bits"])}
        # The authors' study of mixed widths has one of equal widths, searched for by speed like the others.
        by_speed = {"set": {"objective": "cycles"}} if row["experiment"] == "VD_mixed_act" else {}
        answer = simulate(shared, target="m4bram", network=row["network"], variant=variant, **bits, **by_speed)
        assert answer["cycles_total"] == int(row["acc_cycles"])
        told = answer["layers"][0] | answer["chosen"]
        # Of configurations that are equally fast theirs need not be the first, nor the smallest.
        is_tied = row["experiment"] != "VE_vs_bramac"
        for column, value in row.items():
            if value and not (is_tied and column.startswith(("acc_", "area_", "speedup_per"))):
                known = told[column]
                assert known == value or float(known) == pytest.approx(float(value), abs=2e-6), (row, column)


def test_simulate_network_larger_budget_is_never_slower(shared: TestClient):
    body = {"target": "m4bram", "network": "alexnet", "weight_bits": 8, "activation_bits": 6}
    small, large = (
        simulate(shared, dsp_budget=dsps, bram_budget=brams, **body)["cycles_total"]
        for dsps, brams in ((300, 900), (1200, 2500))
    )
    assert large < small


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"target": "olive", "network": "resnet18"}, "/network", "networks are for the M4BRAM family"),
        ({"target": "m4bram", "network": "lenet"}, "/network", "unknown network 'lenet'; known: alexnet"),
        ({"target": "m4bram", "network": "resnet18", "variant": "XL"}, "/variant", "unknown design 'XL'"),
        ({"target": "m4bram", "network": "resnet18", "weight_bits": 5}, "/weight_bits", "5 bits are not among"),
        ({"target": "m4bram", "network": "resnet18", "dsp_budget": 1}, "/dsp_budget", "fits into 1 DSPs"),
        (
            {"target": "m4bram", "network": "resnet18", "bram_budget": 1},
            "/bram_budget",
            "1 block RAMs: it takes",
        ),
        ({"target": "m4bram", "variant": "DP-M4S", **NETWORK}, "", "go with `network`"),
        ({"target": "m4bram", "network": "resnet18", "mode": "refined"}, "/mode", "those of mode published"),
        (
            {"target": "m4bram", "network": "resnet18", "precision": {"weight_bits": 4}},
            "/precision",
            "takes weight_bits",
        ),
        ({"target": "m4bram", "network": "resnet18", "host": "olive"}, "/host", "no layers for a host"),
        ({"target": "m4bram", "network": "resnet18", "set": {"rvec": 5}}, "/set/rvec", "what may be set: "),
        ({"target": "m4bram", "network": "resnet18", "set": {"dsp_budget": 5}}, "/set/dsp_budget", "of the request"),
    ],
)
def test_simulate_senseless_network_is_refused_where_it_is_wrong(
    shared: TestClient, body: dict[str, Any], pointer: str, reason: str
):
    (fault,) = refusal(shared, **body)
    assert fault[0] == pointer
    assert reason in fault[1]


@pytest.mark.parametrize("target", [*{load_hardware(name).target: name for name in hardware_names()}.values()])
def test_simulate_widths_have_one_name_wherever_they_are_given(shared: TestClient, target: str):
    assert not {"weight_bits", "activation_bits"} & type(load_hardware(target)).model_fields.keys()
    inside = simulate(shared, target=target, set={"weight_bits": 4, "activation_bits": 8}, **NETWORK)
    assert inside == simulate(shared, target=target, weight_bits=4, activation_bits=8, **NETWORK)
    assert inside == simulate(
        shared, target=target, set={"native_weight_bits": 4, "native_activation_bits": 8}, **NETWORK
    )


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"set": {"weight_bits": 4}, "weight_bits": 4}, ("/set/weight_bits", "/weight_bits chooses that too")),
        (
            {"set": {"weight_bits": 4}, "precision": {"weight_format": "int4"}},
            ("/set/weight_bits", "/precision/weight_format chooses that too"),
        ),
        (
            {"set": {"activation_bits": 4, "native_activation_bits": 4}},
            ("/set/native_activation_bits", "/set/activation_bits chooses that too"),
        ),
    ],
)
def test_simulate_width_that_is_chosen_twice_is_refused(
    shared: TestClient, body: dict[str, Any], fault: tuple[str, str]
):
    assert refusal(shared, target="fpga_unrolled", **body, **NETWORK) == [fault]


def test_simulate_width_that_the_hardware_lacks_points_at_where_it_was_given(shared: TestClient):
    ((pointer, reason),) = refusal(shared, target="fpga_unrolled", set={"weight_bits": 40}, **NETWORK)
    assert (pointer, "40-bit" in reason) == ("/set/weight_bits", True)
