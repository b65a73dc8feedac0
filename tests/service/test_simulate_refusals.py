"""Requests to POST /simulate that make no sense, and where they are told so."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from targets import load_hardware
from tests.service.simulating import CELL, LAYERS, NETWORK, refusal, simulate


def test_simulate_deeply_nested_hardware_is_refused(shared: TestClient):
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    hardware = {**load_hardware("olive").model_dump(mode="json"), "rows": deep, "more": {"a": deep}}
    assert {pointer for pointer, _ in refusal(shared, hardware=hardware, **NETWORK)} == {"/hardware"}


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


@pytest.mark.parametrize(("key", "takes"), [("dsp_budget", "DSPs"), ("bram_budget", "block RAMs")])
def test_simulate_no_configuration_within_the_budget_points_at_it(shared: TestClient, key: str, takes: str):
    body = {"target": "m4bram", "layers": [{"name": "a", "kind": "conv", "in_channels": 8, "in_height": 8}]}
    ((pointer, reason),) = refusal(shared, set={"configuration": None, key: 1}, **body)
    assert pointer == f"/set/{key}"
    assert re.search(rf"fits into .* it takes at least \d+ {takes}", reason)
    hardware = {**load_hardware("m4bram").model_dump(mode="json"), "configuration": None, key: 1}
    ((pointer, _),) = refusal(shared, hardware=hardware, layers=body["layers"])
    assert pointer == "/hardware"


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
