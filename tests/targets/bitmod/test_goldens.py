"""BitMoD, ANT, OliVe and the half-precision baseline against every row of the authors' simulators."""

import csv
from itertools import product

import numpy as np
import pytest

from targets import Mode, Precision
from targets.bitmod.machine import build_machine
from targets.llm import comparison_weight_bits, llm_names
from targets.sram_costs import sram_costs

pytestmark = pytest.mark.data
MODES: dict[str, Mode] = {"v1": "figures", "v2": "published"}
STAGES = {"prefill": "prefill", "generation": "decode"}
ACCELERATORS = ("fp16", "ant", "olive", "bitmod_lossless", "bitmod_lossy")
PARTS = ("compute", "sram_rd", "sram_wr", "dram")
DECODING_STEPS = 20  # of the comparison's generative task


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def costs():
    """Costs by version, model, stage and accelerator, computed once."""
    known = {}

    def find(comparison_cost, version, model, stage, accelerator):
        key = (version, model, stage, accelerator)
        if key not in known:
            known[key] = comparison_cost(accelerator.replace("_", "-"), model, STAGES[stage], MODES[version])
        return known[key]

    return find


@pytest.mark.parametrize(("version", "rows"), [("v1", 280), ("v2", 280)])
def test_cost_equals_every_golden_layer(goldens_dir, costs, comparison_cost, version, rows):
    golden = read(goldens_dir / f"bitmod_layers_{version}.csv")
    assert len(golden) == rows
    for expected in golden:
        cost = costs(comparison_cost, *(expected[key] for key in ("version", "model", "stage", "accelerator")))
        layers = [layer for layer in cost.layers if layer.name == expected["layer_kind"]]
        assert len(layers) == int(expected["count"]), expected
        (found,) = dict.fromkeys(map(exact_values, layers))
        assert expected_values(expected).items() <= dict(found).items(), expected
        for part in PARTS:
            assert layers[0].energy_uj[part] == pytest.approx(float(expected[f"e_{part}_uJ"]), abs=6e-7), expected


def exact_values(layer):
    """What a row must match exactly, hashable."""
    details = {key: value if isinstance(value, str) else float(value) for key, value in layer.details.items()}
    cycles = {f"cycle_{name}": getattr(layer.cycles, name) for name in ("compute", "dram", "total")}
    return tuple({**details, **cycles}.items())


def expected_values(golden):
    """The same of a golden row."""
    names = [*("w_prec", "i_prec", "pe_dp", "tiles", "w_bytes", "i_bytes", "o_bytes", "fetch_w", "fetch_i")]
    names += ["cycle_compute", "cycle_dram", "cycle_total"]
    dims = ["w_dim(batch x cout x cin)", "i_dim(batch x tok x cin)", "o_dim(batch x tok x cout)"]
    if golden["version"] == "v1" and ".attn_" in golden["layer_kind"]:
        dims = dims[:1]  # the others name tensors that its numbers are not computed from
    return {
        **{name: float(golden[name]) for name in names},
        **{name: golden[name] for name in [*dims, "pe_array(hxw)"]},
    }


@pytest.mark.parametrize("version", MODES)
def test_cost_equals_every_golden_summary(goldens_dir, costs, comparison_cost, version):
    golden = read(goldens_dir / f"bitmod_summary_{version}.csv")
    assert len(golden) == 30
    for expected in golden:
        of = [expected[key] for key in ("version", "model", "stage")]
        cost = costs(comparison_cost, *of, expected["accelerator"])
        baseline = costs(comparison_cost, *of, "fp16")
        for column, is_kv in (("w_prec", False), ("kv_prec", True)):
            widths = {row.details["w_prec"] for row in cost.layers if (".attn_" in row.name) == is_kv}
            assert widths == {float(expected[column])}, expected
        for name in ("compute", "dram", "total"):
            assert getattr(cost.cycles, name) == float(expected[f"cycles_{name}"]), expected
        for part in PARTS:
            assert cost.energy_uj[part] == pytest.approx(float(expected[f"e_{part}_uJ"]), abs=6e-4), expected
        assert cost.energy_mj * 1e3 == pytest.approx(float(expected["e_total_uJ"]), abs=6e-4)
        on_chip_uj = cost.energy_uj["compute"] + cost.energy_uj["sram_rd"] + cost.energy_uj["sram_wr"]
        assert on_chip_uj == pytest.approx(float(expected["e_onchip_uJ"]), abs=6e-4)
        assert baseline.cycles.total / cost.cycles.total == pytest.approx(float(expected["speedup_vs_fp16"]), abs=6e-5)
        assert baseline.energy_mj / cost.energy_mj == pytest.approx(float(expected["energy_eff_vs_fp16"]), abs=6e-5)


def test_figures_speedups_and_energies_equal_the_papers_figures(goldens_dir, costs, comparison_cost):
    golden = read(goldens_dir / "bitmod_paperfig_v1.csv")
    assert [(row["task"], row["accelerator"]) for row in golden] == [
        (task, accelerator) for task in ("discriminative", "generative") for accelerator in ACCELERATORS
    ]
    for expected in golden:
        steps = DECODING_STEPS if expected["task"] == "generative" else 0
        totals = {}
        for accelerator in ("fp16", expected["accelerator"]):
            for model in llm_names():
                prompt, token = (
                    costs(comparison_cost, "v1", model, stage, accelerator) for stage in ("prefill", "generation")
                )
                totals[accelerator, model] = (
                    prompt.cycles.total + steps * token.cycles.total,
                    prompt.energy_mj + steps * token.energy_mj,
                )
        pairs = [(totals["fp16", model], totals[expected["accelerator"], model]) for model in llm_names()]
        speedups = [baseline[0] / ours[0] for baseline, ours in pairs]
        for model, speedup in zip(llm_names(), speedups, strict=True):
            assert speedup == pytest.approx(float(expected[f"speedup_{model}"]), abs=6e-5), (expected, model)
        assert np.mean(speedups) == pytest.approx(float(expected["mean"]), abs=6e-5)
        assert np.exp(np.mean(np.log(speedups))) == pytest.approx(float(expected["geomean"]), abs=6e-5)
        energies = [ours[1] / baseline[1] for baseline, ours in pairs]
        assert np.mean(energies) == pytest.approx(float(expected["energy_norm_mean"]), abs=6e-5)


@pytest.mark.parametrize("version", MODES)
def test_buffer_costs_equal_every_golden_geometry(goldens_dir, make_target, version):
    golden = read(goldens_dir / f"bitmod_cacti_{version}.csv")
    for row in golden:
        width = float(row["rw_bw_bits"])
        costs = sram_costs(float(row["size_bytes"]), float(row["banks"]), width)
        assert costs.read_pj == pytest.approx(float(row["read_cost_pJ"]), rel=1e-12)
        assert costs.write_pj == pytest.approx(float(row["write_cost_pJ"]), rel=1e-12)
        assert costs.write_pj / width * 64 == pytest.approx(float(row["write_cost_per_64b_pJ"]), rel=1e-12)
        assert costs.area_mm2 == pytest.approx(float(row["area_mm2"]), rel=1e-12)
        assert costs.access_ns == pytest.approx(float(row["access_ns"]), rel=1e-12)
    # The buffers of every accelerator, model and stage, and no others.
    found = set()
    for accelerator, stage, model in product(ACCELERATORS, STAGES.values(), llm_names()):
        name = accelerator.replace("_", "-")
        target = make_target(name, stage=stage, mode=MODES[version])
        bits = comparison_weight_bits(name, model, stage, MODES[version]) or target.native_precision.weight_bits
        machine = build_machine(target.hardware, Precision(bits, 16))
        found |= {("w_sram", float(machine.weight_port_bits)), ("i_sram", float(machine.activation_port_bits))}
    assert found == {(row["mem"], float(row["rw_bw_bits"])) for row in golden}
