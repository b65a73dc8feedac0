"""Each refinement alone removes its fault from the published model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.base import Layer, Workload
from targets import Precision, hardware_names, load_hardware
from targets.llm import llm_workload

BITMOD = [name for name in hardware_names() if load_hardware(name).target == "bitmod"]
LINEAR = Layer("linear", "linear", 512, 512, in_width=64, out_width=64)
SMALL = Layer("small", "linear", 10, 10)
W4 = Precision(4.0625, 16)

layers = st.builds(
    lambda kind, channels, outputs, side, kernel, is_grouped: Layer(
        "layer",
        kind,
        channels,
        channels if is_grouped else outputs,
        side,
        side,
        side,
        side,
        kernel,
        groups=channels if is_grouped and kind == "conv" else 1,
    ),
    st.sampled_from(["conv", "matmul", "pool", "add", "norm", "activation"]),
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(1, 40),
    st.sampled_from([1, 3, 5]),
    st.booleans(),
)
workloads = st.builds(Workload, st.lists(layers, min_size=1, max_size=5).map(tuple), batch=st.integers(1, 8))


def costs(make_target, refinement, workload, precision=None, name="bitmod-lossy", **changes):
    """Published, and with one refinement."""
    published = make_target(name, mode="published", **changes).cost(workload, precision)
    refined = make_target(name, mode="refined", refinements=[refinement], **changes).cost(workload, precision)
    return published, refined


@pytest.mark.parametrize("name", BITMOD)
def test_refined_without_refinements_is_published(make_target, name):
    workload = llm_workload("opt-1.3b", stage="prefill", context=64)
    assert make_target(name, mode="refined", refinements=[]).cost(workload) == make_target(name).cost(workload)


def test_fused_attention_keeps_scores_out_of_memory(make_target):
    workload = llm_workload("llama-2-7b", stage="prefill", context=1024)
    published, refined = costs(make_target, "fused-attention", workload)
    saved = [a.bytes_moved - b.bytes_moved for a, b in zip(published.layers, refined.layers, strict=True)]
    names = [layer.name for layer in workload.layers]
    scores_bytes = 32 * 1024 * 1024 * 2
    assert saved[names.index("self_attn.attn_qk")] == scores_bytes
    assert saved[names.index("self_attn.attn_v")] >= scores_bytes
    assert all(value == 0 for name, value in zip(names, saved, strict=True) if "attn_" not in name)
    assert refined.cycles.total < published.cycles.total


def test_exact_widths_three_bits_are_faster_than_four(make_target):
    workload = Workload((LINEAR,))
    cycles = {}
    for bits in (3.0625, 4.0625):
        published, refined = costs(make_target, "exact-widths", workload, Precision(bits, 16))
        cycles[bits] = (published.cycles.compute, refined.cycles.compute)
    assert cycles[3.0625][0] == cycles[4.0625][0]
    assert cycles[3.0625][1] == cycles[4.0625][1] * 3 / 4


def test_exact_widths_bit_parallel_elements_gain_below_their_width(make_target):
    workload = Workload((LINEAR,))
    compute = {}
    for bits in (4, 5.25, 8, 16):
        published, refined = costs(make_target, "exact-widths", workload, Precision(bits, 16), name="olive")
        compute[bits] = refined.cycles.compute / published.cycles.compute
    # 5.25 bits: 69% of the weights have 4 and 31% have 8.
    assert compute == {4: 0.5, 5.25: pytest.approx(0.6875 * 0.5 + 0.3125), 8: 1.0, 16: 1.0}


def test_fill_and_drain_small_layers_wait_for_memory_and_pipeline(make_target):
    published, refined = costs(make_target, "fill-and-drain", Workload((SMALL,) * 3))
    assert published.layers[0].cycles.total < 20
    # 60 bytes of weights, 20 of inputs and of outputs: 3.1 cycles of 32 bytes, rounded down and up.
    assert (published.layers[0].cycles.dram, refined.layers[0].cycles.dram) == (3, 4)
    assert refined.cycles.total == 3 * (refined.layers[0].cycles.compute + 8 + 100)


def test_operand_energy_idle_elements_draw_nothing(make_target):
    full = Layer("full", "linear", 32, 32, in_width=32, out_width=32)
    one_column = Layer("one", "linear", 32, 32)
    published, refined = costs(make_target, "operand-energy", Workload((full, one_column)), W4)
    assert [row.energy_uj["compute"] for row in published.layers] == [published.layers[0].energy_uj["compute"]] * 2
    assert refined.layers[0].energy_uj["compute"] == pytest.approx(published.layers[0].energy_uj["compute"])
    assert refined.layers[1].energy_uj["compute"] == pytest.approx(published.layers[0].energy_uj["compute"] / 32)
    assert refined.layers[1].energy_uj["sram_rd"] < refined.layers[0].energy_uj["sram_rd"]
    assert published.cycles == refined.cycles


def test_metadata_selectors_scales_softmax_and_layout_are_charged(make_target):
    workload = llm_workload("opt-1.3b", stage="prefill", context=64, mode="refined")
    published, refined = costs(make_target, "metadata", workload, W4)
    by_name = {}
    for layer, before, after in zip(workload.layers, published.layers, refined.layers, strict=True):
        by_name[layer.name] = (before, after)
    before, after = by_name["fc1"]
    assert after.bytes_moved - before.bytes_moved == 2048 * 8192 * 2 / 128 / 8
    # A step of one element for every group of 128 weights, that is for 64 steps of 4 weights in 2 cycles each.
    assert after.energy_uj["compute"] / before.energy_uj["compute"] == pytest.approx(1 + 1 / 64)
    for name in ("self_attn.softmax", "input_layernorm", "mlp.act_fn"):
        before, after = by_name[name]
        assert before.cycles.total == 0
        assert after.cycles.total > 0
        assert after.bytes_moved == 0
    array_mm2 = 32 * 32 * 1507.7e-6
    assert refined.area_mm2 - published.area_mm2 == pytest.approx(array_mm2 * 0.5)


def test_folded_batch_samples_share_a_tile(make_target):
    layer = Layer("conv", "conv", 16, 32, 4, 4, 4, 4, kernel=3)  # 16 positions in 32 columns
    published, refined = costs(make_target, "folded-batch", Workload((layer,), batch=8))
    assert published.cycles.compute == 2 * refined.cycles.compute


@pytest.mark.parametrize("mode", ["figures", "published"])
def test_published_batch_of_one_token_each_shares_weights_where_the_stage_is_decode(make_target, mode):
    layer = Layer("proj", "linear", 512, 256)  # one row of tokens per sample, whatever the stage
    prompt, token = (
        make_target("bitmod-lossy", mode=mode, stage=stage).cost(Workload((layer,), batch=48), W4)
        for stage in ("prefill", "decode")
    )
    # Reading: an array of 32 x 32 for each of 48 samples. Writing: one of 64 x 16 for all, in three blocks of columns.
    assert prompt.layers[0].details["tiles"] == 512 / 4 * 256 / 32 * 1 * 48
    assert token.layers[0].details["tiles"] == 512 / 4 * 256 / 64 * 48 / 16
    assert prompt.layers[0].details["i_dim(batch x tok x cin)"] == "48x1x512"
    assert token.layers[0].details["i_dim(batch x tok x cin)"].removeprefix("1x") == "48x512"
    # What crosses the memory is the same: weights once, all inputs, all outputs.
    assert prompt.layers[0].bytes_moved == token.layers[0].bytes_moved == 256 * 260 + 48 * (1024 + 512)


def test_refined_workload_runs_the_output_projection_once_and_grows_the_context():
    published = llm_workload("opt-1.3b", stage="prefill", context=256)
    refined = llm_workload("opt-1.3b", stage="prefill", context=256, mode="refined")
    assert [each.layers[-1].out_width for each in (published, refined)] == [256, 1]
    steps = llm_workload("opt-1.3b", stage="decode", context=256, tokens=3, mode="refined")
    contexts = [layer.out_channels // 32 for layer in steps.layers if layer.name == "self_attn.attn_qk"]
    assert contexts == [257] * 24 + [258] * 24 + [259] * 24


@settings(deadline=None, max_examples=60)
@given(
    workloads,
    st.sampled_from(BITMOD),
    st.sampled_from(["published", "refined"]),
    st.sampled_from(["dram_bits_per_cycle", "rows", "columns", "weight_buffer_bytes", "activation_buffer_bytes"]),
    st.integers(2, 5),
)
def test_cost_more_hardware_is_never_slower(make_target, workload, name, mode, key, factor):
    hardware = make_target(name, mode=mode).hardware
    larger = make_target(name, mode=mode, **{key: getattr(hardware, key) * factor})
    assert larger.cost(workload).latency_ms <= make_target(name, mode=mode).cost(workload).latency_ms


@settings(deadline=None, max_examples=60)
@given(workloads, st.sampled_from(BITMOD), st.lists(st.integers(16, 256), min_size=2, max_size=2).map(sorted))
def test_cost_refined_is_monotone_in_bits(make_target, workload, name, sixteenths):
    target = make_target(name, mode="refined")
    narrow, wide = (target.cost(workload, Precision(each / 16, 16)) for each in sixteenths)
    assert narrow.latency_ms <= wide.latency_ms
    assert narrow.energy_uj["dram"] <= wide.energy_uj["dram"]


@settings(deadline=None, max_examples=30)
@given(workloads, st.sampled_from(BITMOD), st.sampled_from(["published", "refined"]))
def test_cost_larger_batch_is_never_cheaper(make_target, workload, name, mode):
    target = make_target(name, mode=mode)
    larger = Workload(workload.layers, batch=workload.batch + 1)
    assert target.cost(larger).latency_ms >= target.cost(workload).latency_ms
    assert target.cost(larger).energy_mj >= target.cost(workload).energy_mj
