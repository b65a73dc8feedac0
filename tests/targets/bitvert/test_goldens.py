"""The published mode of BitVert and its baselines against every row of the authors' simulator."""

import csv
import hashlib
from functools import lru_cache

import numpy as np
import pytest

from spaces.base import Layer, Workload
from targets import BitSerial, BitSerialHardware, load_hardware
from targets.bitvert.synthetic_weights import synthetic_weights
from targets.bitvert.weight_cycles import DATA_DEPENDENT_RULES
from targets.sram_costs import sram_costs

pytestmark = pytest.mark.data

DESIGNS = {
    "Stripes": "stripes",
    "Pragmatic": "pragmatic",
    "Bitlet": "bitlet",
    "BitWave": "bitwave",
    "ANT": "bitvert-ant",
    "BitVert-conservative": "bitvert-conservative",
    "BitVert-moderate": "bitvert-moderate",
    "BitVert-nopruning": "bitvert-no-bbs",
    "BitVert-noBBS": "bitvert-no-bbs",
}
ENERGIES = {"compute": "e_compute_uJ", "sram_rd": "e_sram_rd_uJ", "sram_wr": "e_sram_wr_uJ", "dram": "e_dram_uJ"}
STRIPES = "Stripes(8b,8-way,32x16)"
SHAPES = ("k", "cin", "cout", "ih", "oh_or_tokens")
DETAILS = ("w_prec_eff", "fetch_w", "fetch_i", "w_bytes", "i_bytes", "o_bytes")
# Total cycles of Stripes and the speed of the others relative to it, where no rows were kept.
TOTALS = {
    "resnet50": (10_828_032, {"bitvert-ant": 1.39, "bitvert-conservative": 2.48, "bitvert-moderate": 3.12}),
    "vit-base": (34_810_800, {"bitvert-ant": 1.73, "bitvert-conservative": 2.58, "bitvert-moderate": 3.33}),
    "vgg16": (40_800_256, {"bitvert-ant": 1.56, "bitvert-conservative": 2.33, "bitvert-moderate": 3.19}),
}
BIT_DEPENDENT_TOTALS = {
    "resnet50": {"pragmatic": 1.15, "bitlet": 1.48, "bitvert-no-bbs": 1.10},
    "vit-base": {"pragmatic": 1.18, "bitlet": 1.48},
}


def published(design, **changes):
    hardware = load_hardware(design)
    assert isinstance(hardware, BitSerialHardware)
    return BitSerial(hardware.model_copy(update={"mode": "published", **changes}))


def make_layer(row):
    kernel, cin, cout, size, out = (int(row[key]) for key in ("k", "cin", "cout", "ih", "oh_or_tokens"))
    if row["type"] == "fc":
        return Layer(row["layer"], "linear", cin, cout, out, 1, out, 1)
    return Layer(row["layer"], "conv", cin, cout, size, size, out, out, kernel=kernel)


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@lru_cache
def networks(goldens_dir):
    """Rows of each network, by model."""
    models = {}
    for row in read(goldens_dir / "bbs_models.csv"):
        row |= {"ih": row["in_size"], "oh_or_tokens": row["out_size_or_tokens"]}
        models.setdefault(row["model"], []).append(row)
    return models


def golden_weights(goldens_dir, model, names, *, last_channels=None):
    """The tensors that the reference outputs were computed from."""
    models = networks(goldens_dir)
    tensors = {}
    for index, row in enumerate(models[model]):
        if row["layer"] in names:
            shape = (int(row["cout"]), int(row["cin"])) + (int(row["k"]),) * 2 * (row["type"] == "conv")
            if last_channels and index == len(models[model]) - 1:
                shape = (last_channels, *shape[1:])
            rng = np.random.default_rng([20260, list(models).index(model), index])
            tensors[row["layer"]] = synthetic_weights(shape, rng=rng)
    return tensors


def golden_tables(goldens_dir, prefix):
    """Layer rows, summary row and that of Stripes of each (model, accelerator)."""
    tables = {}
    for row in read(goldens_dir / f"{prefix}layers.csv"):
        tables.setdefault((row["model"], row["accelerator"]), []).append(row)
    summaries = {(row["model"], row["accelerator"]): row for row in read(goldens_dir / f"{prefix}summary.csv")}
    assert summaries.keys() == tables.keys()
    return [
        (model, accelerator, rows, summaries[model, accelerator], summaries[model, STRIPES])
        for (model, accelerator), rows in tables.items()
    ]


def total_cycles(target, workload, weights=None):
    cycles = target.cost(workload, weights=weights).cycles
    assert cycles is not None
    return cycles.total


def check(target, rows, summary, stripes_summary, weights):
    workload = Workload(tuple(map(make_layer, rows)))
    cost = target.cost(workload, weights=weights)
    for row, layer in zip(rows, cost.layers, strict=True):
        where = f"{row['model']} {row['accelerator']} {row['layer']}"
        assert (layer.name, layer.details["type"]) == (row["layer"], row["type"])
        for key in SHAPES:
            assert layer.details[key] == int(row[key]), (where, key)
        for key in DETAILS:
            assert layer.details[key] == pytest.approx(float(row[key]), rel=1e-12), (where, key)
        assert layer.cycles.compute == pytest.approx(float(row["cycle_compute"]), rel=1e-12), where
        assert layer.cycles.dram == float(row["cycle_dram"]), where
        assert layer.cycles.total == pytest.approx(float(row["cycle_total"]), rel=1e-12), where
    assert cost.cycles.compute == pytest.approx(float(summary["cycles_compute"]), rel=1e-9)
    assert cost.cycles.dram == float(summary["cycles_dram"])
    assert cost.cycles.total == pytest.approx(float(summary["cycles_total"]), rel=1e-9)
    for part, key in ENERGIES.items():
        assert cost.energy_uj[part] == pytest.approx(float(summary[key]), abs=0.00051), key
    assert cost.energy_mj * 1e3 == pytest.approx(float(summary["e_total_uJ"]), abs=0.00051)
    # Of Stripes' own golden totals: its row is checked like the others.
    speedup = float(stripes_summary["cycles_total"]) / cost.cycles.total
    gain = float(stripes_summary["e_total_uJ"]) / (cost.energy_mj * 1e3)
    assert speedup == pytest.approx(float(summary["speedup_vs_stripes"]), abs=5.1e-5)
    assert gain == pytest.approx(float(summary["energy_eff_vs_stripes"]), rel=2e-4)  # of energies of four digits
    return len(rows)


def check_table(goldens_dir, prefix, models, *, weights_of):
    count = 0
    for model, accelerator, rows, summary, of_stripes in golden_tables(goldens_dir, prefix):
        if model in models:
            target = published(DESIGNS[accelerator.split("(")[0]])
            needs_weights = target.hardware.cycle_rule in DATA_DEPENDENT_RULES
            count += check(target, rows, summary, of_stripes, weights_of(model) if needs_weights else None)
    return count


def test_synthetic_weights_are_those_of_the_reference_outputs(goldens_dir):
    rows = read(goldens_dir / "bbs_weight_hashes.csv")
    assert len(rows) == 92
    for model in ("toy", "resnet34", "vit-small"):
        layers = [row for row in rows if row["model"] == model]
        tensors = golden_weights(goldens_dir, model, {row["layer"] for row in layers})
        for row in layers:
            tensor = tensors[row["layer"]]
            digest = hashlib.sha256(tensor.tobytes()).hexdigest()
            assert digest[:16] == row["sha256_first16(int8 C-order)"], row
            assert [each["layer"] for each in networks(goldens_dir)[model]][int(row["layer_index"])] == row["layer"]
            assert tensor.mean() == pytest.approx(float(row["mean"]), abs=5.1e-6)
            assert tensor.std() == pytest.approx(float(row["std"]), abs=5.1e-6)


def test_published_small_network_equals_every_row(goldens_dir):
    tensors = dict(np.load(goldens_dir / "bbs_toy_weights.npz"))
    assert check_table(goldens_dir, "bbs_toy_", {"toy"}, weights_of=lambda _: tensors) == 40


def test_published_small_network_with_other_classifier_equals_every_row(goldens_dir):
    tensors = golden_weights(goldens_dir, "toy", {"conv1", "conv2", "conv3", "fc1", "fc2"}, last_channels=10)
    assert check_table(goldens_dir, "bbs_", {"toy"}, weights_of=lambda _: tensors) == 30


@pytest.mark.parametrize(("model", "rows"), [("resnet34", 8 * 37), ("vit-small", 8 * 50)])
def test_published_network_equals_every_row(goldens_dir, model, rows):
    tensors = golden_weights(goldens_dir, model, {row["layer"] for row in networks(goldens_dir)[model]})
    assert check_table(goldens_dir, "bbs_", {model}, weights_of=lambda _: tensors) == rows


def test_published_bert_designs_of_constant_cycles_equal_every_row(goldens_dir):
    tables = [
        table
        for table in golden_tables(goldens_dir, "bbs_")
        if table[0] == "bert-base" and table[1].startswith(("Stripes", "ANT", "BitVert-cons", "BitVert-mod"))
    ]
    counts = [
        check(published(DESIGNS[name.split("(")[0]]), rows, summary, of_stripes, None)
        for _, name, rows, summary, of_stripes in tables
    ]
    assert counts == [73] * 4


@pytest.mark.slow
def test_published_bert_equals_every_row(goldens_dir):
    tensors = golden_weights(goldens_dir, "bert-base", {row["layer"] for row in networks(goldens_dir)["bert-base"]})
    assert check_table(goldens_dir, "bbs_", {"bert-base"}, weights_of=lambda _: tensors) == 8 * 73


@pytest.mark.parametrize("model", TOTALS)
def test_published_networks_without_rows_have_the_known_totals(goldens_dir, model):
    workload = Workload(tuple(map(make_layer, networks(goldens_dir)[model])))
    stripes, ratios = TOTALS[model]
    assert total_cycles(published("stripes"), workload) == stripes
    for design, ratio in ratios.items():
        assert stripes / total_cycles(published(design), workload) == pytest.approx(ratio, abs=0.0051), design


@pytest.mark.slow
def test_published_networks_without_rows_have_the_known_ratios_of_designs_that_depend_on_bits(goldens_dir):
    for model, ratios in BIT_DEPENDENT_TOTALS.items():
        rows = networks(goldens_dir)[model]
        workload = Workload(tuple(map(make_layer, rows)))
        tensors = golden_weights(goldens_dir, model, {row["layer"] for row in rows})
        for design, ratio in ratios.items():
            cycles = total_cycles(published(design), workload, tensors)
            assert TOTALS[model][0] / cycles == pytest.approx(ratio, abs=0.0051), (model, design)


@pytest.mark.parametrize("prefix", ["bbs_", "bbs_toy_", "bbs_vgg16_"])
def test_buffer_costs_equal_every_golden_geometry(goldens_dir, prefix):
    rows = read(goldens_dir / f"{prefix}cacti.csv")
    assert rows
    for row in rows:
        costs = sram_costs(float(row["size_bits"]) / 8, float(row["banks"]), float(row["rw_bw_bits"]))
        assert costs.read_pj == pytest.approx(float(row["r_cost_pJ"]), rel=1e-12)
        assert costs.write_pj == pytest.approx(float(row["w_cost_pJ"]), rel=1e-12)
        assert costs.area_mm2 == pytest.approx(float(row["area_mm2"]), rel=1e-12)
        assert costs.access_ns == pytest.approx(float(row["latency_ns"]), rel=1e-12)
