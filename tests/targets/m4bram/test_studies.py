"""The authors' comparisons end to end: networks, budgets, both searches, and every layer."""

import csv
import math

import pytest

from targets.m4bram import DESIGNS
from targets.m4bram.search import Budget, NoConfigurationError
from targets.m4bram.studies import UnknownNetworkError, study, study_budget, study_names

KEYS = ("experiment", "network", "accel", "w_bits", "a_bits")


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def run(row):
    weight_bits, activation_bits = int(row["w_bits"]), int(row["a_bits"])
    has_dsps = row["experiment"] != "VF_no_dsp"
    is_mixed = row["experiment"] == "VD_mixed_act"
    budget = study_budget(row["network"], weight_bits, is_mixed=is_mixed, has_dsps=has_dsps)
    assert (budget.dsps, budget.brams) == (int(row["num_dsp_budget"]), int(row["num_bram_budget"]))
    design = row["accel"] + ("" if has_dsps else "-no-DSP")
    objective = "cycles" if is_mixed else "speedup_per_area"
    return study(design, row["network"], weight_bits, activation_bits, budget=budget, objective=objective)


def dims(layer):
    loops = (layer.R, layer.S, layer.C, layer.P, layer.Q, layer.K) if layer.kind == "conv" else (layer.C, layer.K)
    return "x".join(map(str, loops))


@pytest.mark.data
def test_study_equals_the_golden_summaries_and_layers(goldens_dir):
    layers = {}
    for row in read(goldens_dir / "m4bram_layers.csv"):
        layers.setdefault(tuple(row[key] for key in KEYS), []).append(row)
    rows = read(goldens_dir / "m4bram_summary.csv")
    assert len(rows) == 86
    for row in rows:
        found = run(row)
        assert found.baseline.cycles == int(row["dla_cycles"]), row
        assert found.chosen.cycles == int(row["acc_cycles"]), row
        assert found.speedup == pytest.approx(float(row["speedup"]), abs=1e-6)
        assert (found.baseline.dsps, found.baseline.filter_brams, found.baseline.stream_brams) == tuple(
            int(row[f"dla_{key}"]) for key in ("dsp", "fcache_bram", "streambuf_bram")
        )
        assert found.baseline.area == float(row["dla_area"])
        if row["experiment"] == "VE_vs_bramac":  # elsewhere several configurations tie
            assert found.area_ratio == pytest.approx(float(row["area_ratio"]), abs=1e-6)
            assert found.speedup / found.area_ratio == pytest.approx(float(row["speedup_per_area"]), abs=2e-6)
        for layer, expected in zip(found.layers, layers[tuple(row[key] for key in KEYS)], strict=True):
            assert (layer.name, layer.folded.kind) == (expected["layer"], expected["type"])
            assert (dims(layer.baseline), dims(layer.folded)) == (expected["dla_dims"], expected["accel_dims"])
            assert layer.baseline_cycles == int(expected["dla_cycles"])
            if row["experiment"] == "VE_vs_bramac":  # elsewhere several configurations tie
                assert layer.cycles == int(expected["accel_cycles"])


@pytest.mark.data
def test_study_networks_equal_the_golden_inputs(goldens_dir):
    from targets.m4bram.studies import _description, _layers, _network

    given = {}
    for row in read(goldens_dir / "m4bram_networks.csv"):
        sizes = [int(row[key]) for key in ("r_or_cin", "s_or_cout", "c", "p", "q", "k") if row[key]]
        rows = given.setdefault((row["network"], row["description"].partition("(")[0]), [])
        rows.append((row["type"], *sizes))
        assert len(rows) == int(row["idx"])
    assert {name for name, _ in given} == {*study_names()}
    for name in study_names():
        for purpose, is_dla in (("dla", True), ("m4bram", False), ("bramac", False)):
            ours = [
                ("conv", each.R, each.S, each.C, each.P, each.Q, each.K)
                if each.kind == "conv"
                else ("fc", each.C, each.K)
                for each in _layers(_description(name), is_dla=is_dla)
            ]
            assert ours == given[name, purpose]
        # The stream buffer is sized by the largest input and output together.
        largest = max(given[name, "iofmap"], key=lambda row: math.prod(row[1:4]) + math.prod(row[4:7]))
        assert [each for side in _description(name)["map"] for each in side] == list(largest[1:])
        # And the filter cache by the layer of most weights, of those that DLA computes.
        for design in ("DLA", "SY-M4L", "BRAMAC-2SA"):
            assert _network(_description(name), DESIGNS[design]).largest == max(
                (layer for layer in _layers(_description(name), is_dla=True) if layer.kind == "conv"),
                key=lambda layer: layer.weights,
            )


def test_study_of_dla_compares_it_with_itself():
    found = study("DLA", "alexnet", 8, 8)
    assert (found.speedup, found.area_ratio) == (1.0, 1.0)
    assert all(layer.cycles == layer.baseline_cycles for layer in found.layers)


@pytest.mark.parametrize("design", ["BRAMAC-1DA", "BRAMAC-2SA"])
@pytest.mark.parametrize(("weight_bits", "activation_bits", "one_width"), [(2, 8, 8), (2, 4, 4), (2, 6, 8), (8, 4, 8)])
def test_study_of_bramac_computes_mixed_widths_as_one(design, weight_bits, activation_bits, one_width):
    mixed = study(design, "resnet18", weight_bits, activation_bits, objective="cycles", budget=Budget(1152, 2489))
    same = study(design, "resnet18", one_width, one_width, objective="cycles", budget=Budget(1152, 2489))
    assert [layer.cycles for layer in mixed.layers] == [layer.cycles for layer in same.layers]


def test_study_unknown_network_lists_the_known_ones():
    with pytest.raises(UnknownNetworkError, match="'lenet'; known: alexnet, vgg16"):
        study("DLA", "lenet", 8, 8)


def test_study_budget_too_small_is_refused():
    with pytest.raises(NoConfigurationError, match="fits into 1 DSPs"):
        study("SY-M4L", "alexnet", 8, 8, budget=Budget(1, 1))
