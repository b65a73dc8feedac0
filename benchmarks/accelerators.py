"""Headline comparisons of the accelerators' papers: `python benchmarks/accelerators.py [--write]`.

BitMoD over ANT, OliVe and half precision; M4BRAM over DLA and BRAMAC; BitVert over Stripes and the rest; and how long
costs take. BitVert's networks are read from the folder ARCHCAST_TEST_GOLDENS (default ../shared/goldens), which holds
the layer tables and the cycles that the authors' simulator gave for synthetic weights. `--write` puts each section
into the page of its model and draws the rooflines of the catalogue.
"""

from __future__ import annotations

import csv
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from bitmod_loop import loop_over_layers
from numpy.typing import NDArray
from report import markdown_table, write_section
from roofline_picture import draw_rooflines

from spaces.base import Architecture, Layer, Workload
from spaces.nb201 import Nb201
from targets import (
    BitMod,
    BitModHardware,
    BitSerial,
    BitSerialHardware,
    Cost,
    M4bram,
    Mode,
    Precision,
    hardware_names,
    load_hardware,
    load_target,
    segment_costs,
)
from targets.bitmod import REFINEMENTS, sweep
from targets.bitvert import sweep as sweep_bitvert
from targets.bitvert.synthetic_weights import synthetic_weights, weight_shape
from targets.llm import comparison_weight_bits, llm_names, llm_workload
from targets.m4bram import Budget, SearchGrid
from targets.m4bram import sweep as sweep_m4bram
from targets.m4bram.studies import study
from targets.reference_networks import REFERENCE_NETWORKS

_GOLDENS = Path(os.environ.get("ARCHCAST_TEST_GOLDENS", Path(__file__).resolve().parents[2] / "shared" / "goldens"))
# As its authors' scripts took here for all their experiments, which the reference outputs are of.
_M4BRAM_ORIGINAL_SECONDS = 4.7 * 60
_DECODED_TOKENS = 20
_NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet34", "vitbase")


def main() -> None:
    """Prints every section, and writes them into the page with `--write`."""
    sections = {
        "accelerators-bitmod": (bitmod_section, "targets-bitmod.md"),
        "accelerators-m4bram": (m4bram_section, "targets-m4bram.md"),
        "accelerators-bitvert": (bitvert_section, "targets-bitvert.md"),
        "accelerators-speed": (speed_section, "targets.md"),
    }
    for name, (section, page) in sections.items():
        body = section()
        print(f"{body}\n")
        if "--write" in sys.argv[1:]:
            write_section(name, body, page)
    if "--write" in sys.argv[1:]:
        draw_rooflines(Path(__file__).resolve().parents[1] / "docs" / "rooflines.svg")


def bitmod_section() -> str:
    """Speedup and energy of BitMoD lossy: means over six models, and each refinement's share of it."""
    published = {"ant": "1.69", "olive": "1.48", "fp16": "-"}
    rows = []
    for mode in ("figures", "published", "refined"):
        for baseline in ("ant", "olive", "fp16"):
            prompt, task = (_bitmod_gains(baseline, mode, tokens) for tokens in (0, _DECODED_TOKENS))
            speed = np.mean([prompt[0], task[0]])
            energy = np.mean([prompt[1], task[1]])
            cells = [f"{value:.3f}" for value in (prompt[0], task[0], speed, energy)]
            rows.append([mode, baseline, *cells, published[baseline] if mode == "figures" else ""])
    header = ["mode", "over", "prompt", f"prompt + {_DECODED_TOKENS} tokens", "both", "energy", "paper"]
    single = [
        [
            refinement,
            *(f"{_mean_speedup(baseline, 'refined', (refinement,)):.3f}" for baseline in ("ant", "olive", "fp16")),
        ]
        for refinement in REFINEMENTS
    ]
    base = ["none (published)", *(f"{_mean_speedup(name, 'published'):.3f}" for name in ("ant", "olive", "fp16"))]
    return "\n\n".join(
        [
            "### BitMoD (lossy) against its baselines",
            "Speedup: arithmetic mean over six language models of a prompt of 256 tokens, and of a prompt and "
            f"{_DECODED_TOKENS} tokens; energy: its mean gain over both. The paper's figure is the mean of both tasks.",
            markdown_table(header, rows),
            "Speedup (both tasks) with one refinement of the hardware model alone, on the workloads of `published`. "
            "`exact-widths` takes most of it: the published model gives ANT and OliVe no gain from narrow weights.",
            markdown_table(["refinement", "over ANT", "over OliVe", "over FP16"], [base, *single]),
        ]
    )


def _mean_speedup(baseline: str, mode: Mode, refinements: Sequence[str] | None = None) -> float:
    gains = [_bitmod_gains(baseline, mode, tokens, refinements)[0] for tokens in (0, _DECODED_TOKENS)]
    return float(np.mean(gains))


def _bitmod_gains(
    baseline: str, mode: Mode, tokens: int, refinements: Sequence[str] | None = None
) -> tuple[float, float]:
    """Mean gain in cycles and in energy over the models."""
    pairs = [
        [_bitmod_total(name, model, mode, tokens, refinements) for name in (baseline, "bitmod-lossy")]
        for model in llm_names()
    ]
    gains = [(slow[0] / fast[0], slow[1] / fast[1]) for slow, fast in pairs]
    return float(np.mean([gain[0] for gain in gains])), float(np.mean([gain[1] for gain in gains]))


def _bitmod_total(
    name: str, model: str, mode: Mode, tokens: int, refinements: Sequence[str] | None
) -> tuple[float, float]:
    """Cycles and energy of a prompt, and of tokens after it at the same context."""
    cycles = energy = 0.0
    for stage, times in (("prefill", 1), ("decode", tokens)):
        if times:
            cost = _bitmod_cost(name, model, mode, stage, refinements)
            assert cost.cycles is not None
            assert cost.energy_mj is not None
            cycles, energy = cycles + times * cost.cycles.total, energy + times * cost.energy_mj
    return cycles, energy


def _bitmod_cost(name: str, model: str, mode: Mode, stage: str, refinements: Sequence[str] | None) -> Cost:
    description = {**load_hardware(name).model_dump(), "mode": mode, "stage": stage, "refinements": refinements}
    target = BitMod(BitModHardware.model_validate(description))
    weight_bits = comparison_weight_bits(name, model, stage, mode) or target.native_precision.weight_bits
    # One refinement alone is shown on the published workload.
    workload_mode = "published" if refinements is not None else mode
    workload = llm_workload(model, stage="prefill" if stage == "prefill" else "decode", mode=workload_mode)
    return target.cost(workload, Precision(weight_bits, 16))


def m4bram_section() -> str:
    """Speedups over DLA: means over five networks at 2, 4 and 8 bits."""
    points = [(network, bits) for network in _NETWORKS for bits in (2, 4, 8)]
    means = {
        design: float(np.mean([study(design, network, bits, bits).speedup for network, bits in points]))
        for design in ("DP-M4S", "SY-M4L", "BRAMAC-1DA", "BRAMAC-2SA")
    }
    m4bram = (means["DP-M4S"] + means["SY-M4L"]) / 2
    bramac = (means["BRAMAC-1DA"] + means["BRAMAC-2SA"]) / 2
    rows = [[f"{design} over DLA", f"{value:.3f}", ""] for design, value in means.items()]
    rows.append(["M4BRAM over DLA, mean of both designs", f"{m4bram:.3f}", "2.16"])
    rows.append(["M4BRAM over BRAMAC, ratio of the means", f"{m4bram / bramac:.3f}", "1.43"])
    return "\n\n".join(
        [
            "### M4BRAM against DLA and BRAMAC",
            "Speedup in cycles, mean over AlexNet, VGG-16, ResNet-18, ResNet-34 and the attention block of a ViT at 2, "
            "4 and 8 bits, each design with the configuration that the search finds under the authors' budget.",
            markdown_table(["comparison", "here", "paper"], rows),
        ]
    )


def bitvert_section() -> str:
    """Speedup and energy over Stripes in the mode published, and in the mode refined."""
    designs = ["bitvert-ant", "bitvert-conservative", "bitvert-moderate"]
    rows = []
    for model, layers in _bitvert_networks().items():
        for mode in ("published", "refined"):
            stripes = _bitvert("stripes", mode, layers)
            for design in designs:
                cost = _bitvert(design, mode, layers)
                assert cost.cycles is not None
                assert stripes.cycles is not None
                speedup = stripes.cycles.total / cost.cycles.total
                energy = (stripes.energy_mj or 0) / (cost.energy_mj or 1)
                rows.append([model, mode, design, f"{speedup:.2f}", f"{energy:.2f}"])
    return "\n\n".join(
        [
            "### BitVert against Stripes",
            "Gain in cycles and in energy, one image or one sentence of 128 tokens. The paper reports up to 3.03x in "
            "speed and 2.44x in energy over prior accelerators for trained checkpoints, which are not public; the "
            "designs below take the same cycles whatever the weights are.",
            markdown_table(["network", "mode", "design", "speed", "energy"], rows),
        ]
    )


def _bitvert_networks() -> dict[str, tuple[Layer, ...]]:
    networks: dict[str, list[Layer]] = {}
    for row in _read("bbs_models.csv"):
        if row["model"] == "toy":
            continue
        kernel, cin, cout = int(row["k"]), int(row["cin"]), int(row["cout"])
        size, out = int(row["in_size"]), int(row["out_size_or_tokens"])
        layer = (
            Layer(row["layer"], "linear", cin, cout, out, 1, out, 1)
            if row["type"] == "fc"
            else Layer(row["layer"], "conv", cin, cout, size, size, out, out, kernel=kernel)
        )
        networks.setdefault(row["model"], []).append(layer)
    return {model: tuple(layers) for model, layers in networks.items()}


def _bitvert(
    design: str, mode: str, layers: tuple[Layer, ...], weights: Mapping[str, NDArray[np.int8]] | None = None
) -> Cost:
    hardware = load_hardware(design)
    assert isinstance(hardware, BitSerialHardware)
    return BitSerial(hardware.model_copy(update={"mode": mode})).cost(Workload(layers), weights=weights)


def speed_section() -> str:
    """Seconds for a whole space, for sweeps of configurations, and against the originals."""
    space = Nb201()
    architectures = list(space.enumerate())
    seconds = {
        name: _timed(lambda name=name: segment_costs(load_target(name), space, architectures))
        for name in hardware_names()
    }
    return "\n\n".join(
        [
            "### How long costs take",
            f"Processor seconds for all {len(architectures):,} cells of NAS-Bench-201 on one configuration, the first "
            "time, in the mode of the catalogue.",
            markdown_table(["target", "seconds"], [[name, f"{each:.3f}"] for name, each in seconds.items()]),
            "100,000 configurations of the hardware for one network in one call:",
            _sweeps(),
            "Against the originals, whose seconds came with the reference outputs and may hold more than the layers. "
            "Every weight of ResNet-34 is counted here too.",
            _against_the_originals(),
            _against_a_loop(space, architectures[:: len(architectures) // 20], seconds, len(architectures)),
        ]
    )


def _sweeps() -> str:
    rng, count = np.random.default_rng(0), 100_000
    prompt, resnet = llm_workload("llama-2-7b", stage="prefill"), REFERENCE_NETWORKS["resnet18"]()
    array = {key: rng.integers(8, 256, count) for key in ("rows", "columns", "dram_bits_per_cycle")}
    factors = {"pvec": rng.integers(1, 5, count), "dsp_qvec": rng.integers(1, 9, count)}
    factors |= {key: 4 * rng.integers(1, 33, count) for key in ("dsp_kvec", "bram_cvec", "bram_kvec")}
    bitmod, bitvert, m4bram = (load_target(name) for name in ("bitmod-lossy", "bitvert-moderate", "m4bram"))
    assert isinstance(bitmod, BitMod)
    assert isinstance(bitvert, BitSerial)
    assert isinstance(m4bram, M4bram)
    rows = [
        [
            "bitmod-lossy",
            "a prompt of llama-2-7b",
            "rows, columns, bandwidth",
            _timed(lambda: sweep(bitmod, prompt, array)),
        ],
        [
            "bitvert-moderate",
            "ResNet-18",
            "rows, columns, bandwidth",
            _timed(lambda: sweep_bitvert(bitvert, resnet, array)),
        ],
        ["m4bram", "ResNet-18", "five unroll factors", _timed(lambda: sweep_m4bram(m4bram, resnet, factors))],
    ]
    return markdown_table(
        ["target", "network", "what varies", "seconds"], [[*row[:3], f"{row[3]:.2f}"] for row in rows]
    )


def _against_the_originals() -> str:
    """ResNet-34 on BitVert's designs with weights of its own, and M4BRAM's searches."""
    layers = _bitvert_networks()["resnet34"]
    rng = np.random.default_rng(0)
    weights = {layer.name: synthetic_weights(weight_shape(layer), rng=rng) for layer in layers}
    names = {"Pragmatic": "pragmatic", "Bitlet": "bitlet", "BitWave": "bitwave", "ANT": "bitvert-ant"}
    rows = []
    for row in _read("bbs_summary.csv"):
        design = names.get(row["accelerator"].split("(")[0])
        if row["model"] == "resnet34" and design is not None:
            seconds = _timed(lambda design=design: _bitvert(design, "published", layers, weights))
            original = float(row["sim_seconds"])
            rows.append(
                [
                    f"ResNet-34 on {design}",
                    f"{original:.1f}",
                    f"{seconds:.3f}",
                    f"{original / seconds:,.0f}x",
                ]
            )
    searches = _read("m4bram_summary.csv")
    SearchGrid.configurations.cache_clear()
    seconds = _timed(lambda: [_search_again(row) for row in searches])
    rows.append(
        [
            f"all {len(searches)} searches of M4BRAM's experiments",
            f"{_M4BRAM_ORIGINAL_SECONDS:.0f}",
            f"{seconds:.2f}",
            f"{_M4BRAM_ORIGINAL_SECONDS / seconds:,.0f}x",
        ]
    )
    return markdown_table(["what", "original, s", "here, s", "faster"], rows)


def _search_again(row: Mapping[str, str]) -> None:
    has_dsps, is_mixed = row["experiment"] != "VF_no_dsp", row["experiment"] == "VD_mixed_act"
    study(
        row["accel"] + ("" if has_dsps else "-no-DSP"),
        row["network"],
        int(row["w_bits"]),
        int(row["a_bits"]),
        budget=Budget(int(row["num_dsp_budget"]), int(row["num_bram_budget"])),
        objective="cycles" if is_mixed else "speedup_per_area",
    )


def _against_a_loop(
    space: Nb201, some: Sequence[Architecture], seconds: Mapping[str, float], architectures: int
) -> str:
    """BitMoD, whose original has no published times, against the same equations layer by layer in plain Python."""
    target = load_target("bitmod-lossy")
    assert isinstance(target, BitMod)
    workloads = [space.workload(each) for each in some]
    for workload in workloads:
        cost = target.cost(workload)
        assert cost.cycles is not None
        cycles, energy_pj = loop_over_layers(target.hardware, workload.layers)
        assert math.isclose(cycles, cost.cycles.total)
        assert math.isclose(energy_pj * 1e-9, cost.energy_mj or 0)
    loop = _timed(lambda: [loop_over_layers(target.hardware, workload.layers) for workload in workloads])
    loop, ours = loop / len(workloads), seconds["bitmod-lossy"] / architectures
    return (
        "No time of BitMoD's original is known. A plain loop over the layers with the same equations "
        f"(`benchmarks/bitmod_loop.py`) takes {loop * 1e6:,.0f} us for a cell of NAS-Bench-201, given its layers; here "
        f"one takes {ours * 1e6:.1f} us as one of the space: {loop / ours:,.0f}x."
    )


def _read(name: str) -> list[dict[str, str]]:
    with (_GOLDENS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
