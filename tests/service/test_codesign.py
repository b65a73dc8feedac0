"""Searches in which precision and hardware are decisions beside the architecture."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from search import non_dominated
from spaces import SPACES, Layer, Workload
from spaces.layer_groups import layers_of
from targets import (
    Cost,
    Precision,
    Target,
    build_target,
    catalogue_description,
    load_hardware,
    parse_hardware,
    segment_costs,
    vary_hardware,
)
from targets.formats import parse_format, sqnr_evaluator
from targets.m4bram import DESIGNS
from tests.service.codesigning import groups, search

NB201 = SPACES["nb201"]

CELLS = list(NB201.enumerate())
RANDOM = {"algorithm": "random", "budget": {"evaluations": 300}}
REFINED = {"mode": ["refined"]}


MACRO = SPACES["tnb101_macro"]


@dataclass(frozen=True)
class OfGroups:
    """A target that runs the layers of some groups alone."""

    target: Target
    groups: frozenset[str]
    name: str = "part"
    native_precision: Precision = Precision(1, 16)  # noqa: RUF009  (frozen)
    is_additive: bool = True

    def supports(self, layer: Layer) -> bool:
        return self.target.supports(layer)

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        return self.target.cost(replace(workload, layers=layers_of(workload.layers, self.groups), reads=()))


def test_search_over_formats_is_the_exact_front_of_all_pairs(shared: TestClient):
    formats = {"bitmod3": 3.0625, "int8": 8.0625}
    answer = search(
        shared,
        objectives=["latency_ms", "quantisation_sqnr_db"],
        precision={"weight_format": list(formats)},
        hardware={"rows": [64], **REFINED},
        constraints={"macs": {"min": 100e6}, "area_mm2": {"max": 8.0}},
    )
    assert answer["complete"]
    assert answer["evaluations"] == 2 * len(CELLS)
    kept = [cell for cell in CELLS if NB201.workload(cell).macs >= 100e6]
    values = []
    for name, bits in formats.items():
        changes = {"native_weight_bits": bits, "rows": 64, "mode": "refined", "weight_format": None}
        hardware = parse_hardware({**load_hardware("bitmod-lossy").model_dump(), **changes})
        latency_ms = segment_costs(build_target(hardware), NB201, kept).latency_ms
        values.append(np.column_stack([latency_ms, -sqnr_evaluator(NB201, parse_format(name))(kept)]))
    points = np.concatenate(values)
    expected = {tuple(point) for point in points[non_dominated(points)].round(9)}
    front = answer["front"]
    assert {(round(each["latency_ms"], 9), -round(each["quantisation_sqnr_db"], 9)) for each in front} == expected
    assert {each["precision"]["weight_format"] for each in front} == set(formats)
    assert all(each["hardware"] == {"rows": 64, "mode": "refined"} for each in front)


def test_search_front_entries_can_be_simulated_again(shared: TestClient):
    front = search(
        shared,
        objectives=["latency_ms", "energy_mj", "area_mm2"],
        precision={"weight_bits": [4, 6]},
        hardware={"rows": [8, 32, 128], **REFINED},
        constraints={"params": {"min": 500_000}},
        algorithm="nsga2",
        budget={"evaluations": 300},
    )["front"]
    for entry in front[:5]:
        body = {
            "target": "bitmod-lossy",
            "space": "nb201",
            "architecture": entry["architecture"],
            "set": {"rows": entry["hardware"]["rows"]},
            "mode": "refined",
            **entry["precision"],
        }
        simulated = shared.post("/simulate", json=body).json()
        assert simulated["latency_ms"] == pytest.approx(entry["latency_ms"])
        assert simulated["area_mm2"] == pytest.approx(entry["area_mm2"])
        assert simulated["energy_uJ"]["total"] == pytest.approx(entry["energy_mj"] * 1e3)


def test_search_front_entries_with_groups_can_be_simulated_as_they_are(shared: TestClient):
    front = search(
        shared,
        objectives=["latency_ms", "energy_mj", "area_mm2"],
        precision={"weight_bits": [4, 6], **groups(head={"weight_format": ["int8"]}, stage1={"weight_bits": [3, 5]})},
        hardware={"rows": [32], **REFINED},
        constraints={"macs": {"min": 150e6}},
        **RANDOM,
    )["front"]
    for entry in front[:5]:
        body = {name: entry[name] for name in ("architecture", "precision")}
        answer = shared.post(
            "/simulate", json={"target": "bitmod-lossy", "space": "nb201", "set": entry["hardware"], **body}
        ).json()
        assert answer["latency_ms"] == pytest.approx(entry["latency_ms"])
        assert answer["energy_uJ"]["total"] == pytest.approx(entry["energy_mj"] * 1e3)
        assert answer["area_mm2"] == pytest.approx(entry["area_mm2"])


def test_search_with_accuracy_does_not_depend_on_the_configuration(shared: TestClient):
    front = search(shared, objectives=["accuracy", "latency_ms"], hardware={"rows": [16, 32]}, **RANDOM)["front"]
    accuracy = {}
    for entry in front:
        assert accuracy.setdefault(entry["architecture"], entry["accuracy"]) == entry["accuracy"]


def test_search_configuration_that_the_model_refuses_counts_as_failed_and_is_named(shared: TestClient):
    answer = search(
        shared,
        objectives=["latency_ms"],
        precision={"weight_format": ["int4", "bitmod4"]},
        hardware={"scale_bits": [8, 0], "group_size": [4, 128]},
        **RANDOM,
    )
    # Eight bits of scale for four weights are two more for each, which is no format of four bits any more.
    assert 0 < answer["failed"] < 300
    (warning,) = answer["warnings"]
    assert "the model refuses 2 of the 8 configurations" in warning
    assert "weight_format int4, hardware.scale_bits 8, hardware.group_size 4: " in warning
    for entry in answer["front"]:
        assert entry["hardware"] != {"scale_bits": 8, "group_size": 4}


def test_search_budgets_of_block_rams_and_dsps_choose_the_configuration(shared: TestClient):
    front = search(
        shared,
        device="m4bram",
        objectives=["latency_ms"],
        constraints={"macs": {"min": 150e6}},
        hardware={"dsp_budget": [200, 1152, 2000], "bram_budget": [1500]},
        budget={"evaluations": 24},
        algorithm="random",
    )["front"]
    chosen = front[0]["hardware"]
    body = {"target": "m4bram", "space": "nb201", "architecture": front[0]["architecture"]}
    latency_ms = {
        dsps: shared.post("/simulate", json=body | {"set": chosen | {"dsp_budget": dsps}}).json()["latency_ms"]
        for dsps in (200, 1152, 2000)
    }
    assert latency_ms[chosen["dsp_budget"]] == pytest.approx(front[0]["latency_ms"])
    assert latency_ms[200] > latency_ms[1152] > latency_ms[2000]


def test_search_over_layer_groups_is_the_exact_front_of_all_combinations(shared: TestClient):
    body_formats, head_bits = ["bitmod3", "int6"], [4, 8]
    answer = search(
        shared,
        space="tnb101_macro",
        objectives=["energy_mj", "quantisation_sqnr_db"],
        precision={
            "weight_format": ["int8"],
            **groups(body={"weight_format": body_formats}, head={"weight_bits": head_bits}),
        },
        hardware=REFINED,
    )
    assert answer["complete"]
    networks = list(MACRO.enumerate())
    assert answer["evaluations"] == 4 * len(networks)
    body = frozenset(MACRO.layer_groups) - {"stem", "head"}
    values = []
    for body_format in body_formats:
        for bits in head_bits:
            head_format = {4: "bitmod4", 8: "int8"}[bits]  # of the device's kind, where it has that width
            formats = {frozenset({"stem"}): "int8", body: body_format, frozenset({"head"}): head_format}
            widths = {"bitmod3": 3.0625, "int6": 6.0625, "int8": 8.0625}
            weights = [widths["int8"], widths[body_format], bits]
            energy_mj = np.zeros(len(networks))
            for covered, width in zip(formats, weights, strict=True):
                # One piece of hardware, whose ports are those of the widest group.
                changes = {"native_weight_bits": width, "mode": "refined", "port_weight_bits": widths["int8"]}
                changes["weight_format"] = None
                target = build_target(parse_hardware({**load_hardware("bitmod-lossy").model_dump(), **changes}))
                of_group = segment_costs(OfGroups(target, covered), MACRO, networks).energy_mj
                assert of_group is not None
                energy_mj += of_group
            parsed = {covered: parse_format(name) for covered, name in formats.items()}
            values.append(np.column_stack([energy_mj, -sqnr_evaluator(MACRO, parsed)(networks)]))
    points = np.concatenate(values)
    expected = {tuple(point) for point in points[non_dominated(points)].round(9)}
    front = answer["front"]
    assert {(round(each["energy_mj"], 9), -round(each["quantisation_sqnr_db"], 9)) for each in front} == expected
    for each in front:
        assert each["precision"]["weight_format"] == "int8"
        chosen = each["precision"]["groups"]
        assert chosen["body"]["weight_format"] in body_formats
        assert chosen["head"]["weight_bits"] in head_bits


@pytest.mark.parametrize("device", ["bitmod-lossy", "roofline-edge-npu"])
def test_search_all_groups_alike_are_the_whole_network(shared: TestClient, device: str):
    limits = {"device": device, "objectives": ["latency_ms", "energy_mj"], **RANDOM}
    alike = {"weight_bits": [4], "activation_bits": [8]}
    whole = search(shared, precision=alike, **limits)["front"]
    split = search(shared, precision=groups(**dict.fromkeys(("stem", "body", "head"), alike)), **limits)["front"]
    some = search(shared, precision=alike | groups(stage1=alike), **limits)["front"]
    for other in (split, some):
        assert [each["architecture"] for each in other] == [each["architecture"] for each in whole]
        for metric in ("latency_ms", "energy_mj", "lower_ms"):
            assert [each[metric] for each in other] == pytest.approx([each[metric] for each in whole])


def test_search_first_candidate_may_lack_what_only_others_know(shared: TestClient):
    formats = {"device": "olive", "precision": {"weight_format": ["nf4"]}, "hardware": {"rows": [16, 36]}}
    front = search(shared, objectives=["latency_ms", "quantisation_mse"], **formats, **RANDOM)["front"]
    assert all(each["quantisation_mse"] > 0 for each in front)


def test_search_width_counts_in_both_stages(shared: TestClient):
    for stage in ("prefill", "decode"):
        limits = {"objectives": ["latency_ms"], "constraints": {"macs": {"min": 150e6}}, **RANDOM}
        fast, slow = (
            search(shared, precision={"weight_bits": [bits]}, hardware={"stage": [stage]}, **limits)["front"][0]
            for bits in (2, 8)
        )
        assert fast["latency_ms"] < slow["latency_ms"]


def test_search_objectives_of_pruned_weights(shared: TestClient):
    front = search(
        shared,
        device="bitvert-moderate",
        objectives=["latency_ms", "quantisation_sqnr_db"],
        precision={"weight_bits": [3, 6]},
        hardware={"sensitive_fraction": [0.0, 0.5]},
        constraints={"macs": {"min": 150e6}},
        **RANDOM,
    )["front"]
    assert max(front, key=lambda each: each["quantisation_sqnr_db"])["precision"] == {"weight_bits": 6}
    for entry in front:
        changes = {"native_weight_bits": entry["precision"]["weight_bits"], **entry["hardware"]}
        number_format = vary_hardware(catalogue_description("bitvert-moderate"), changes).number_format
        assert number_format is not None
        assert number_format.name == f"bbs-shift{entry['precision']['weight_bits']}"
        (expected,) = sqnr_evaluator(NB201, number_format)([NB201.parse(entry["architecture"])])
        assert entry["quantisation_sqnr_db"] == pytest.approx(expected)


def test_search_candidate_that_one_of_many_others_makes_possible_is_searched(shared: TestClient):
    # Two DSPs are too few for every design but those without any, of which the only one here comes last.
    designs = [name for name in DESIGNS if not name.endswith("no-DSP")] + ["DP-M4L-no-DSP"]
    answer = search(
        shared,
        device="m4bram",
        objectives=["latency_ms"],
        hardware={"dsp_budget": [1152, 2], "design": designs, "bram_budget": list(range(2300, 2320))},
        algorithm="random",
        budget={"evaluations": 40},
    )
    assert 0 < answer["failed"] < 40
    (warning,) = answer["warnings"]
    assert "the model refuses architectures on" in warning
    assert "hardware.dsp_budget 2, hardware.design " in warning
    assert "fits into 2 DSPs" in warning
