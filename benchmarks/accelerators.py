"""Headline comparisons of the accelerators' papers: `python benchmarks/accelerators.py [--write]`.

BitMoD over ANT, OliVe and half precision; M4BRAM over DLA and BRAMAC; BitVert over Stripes and the rest; and how long
costs take. BitVert's networks are read from the folder ARCHCAST_TEST_GOLDENS (default ../shared/goldens), which holds
the layer tables and the cycles that the authors' simulator gave for synthetic weights. `--write` also draws the
rooflines of the catalogue.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from report import markdown_table, write_section
from roofline_picture import draw_rooflines

from spaces.base import Layer, Workload
from spaces.nb201 import Nb201
from targets import (
    BitMod,
    BitModHardware,
    BitSerial,
    BitSerialHardware,
    Cost,
    Mode,
    Precision,
    hardware_names,
    load_hardware,
    load_target,
    segment_costs,
)
from targets.bitmod import REFINEMENTS, sweep
from targets.bitvert.synthetic_weights import synthetic_weights, weight_shape
from targets.llm import comparison_weight_bits, llm_names, llm_workload
from targets.m4bram.studies import study

_GOLDENS = Path(os.environ.get("ARCHCAST_TEST_GOLDENS", Path(__file__).resolve().parents[2] / "shared" / "goldens"))
_PAGE = "targets.md"
_DECODED_TOKENS = 20
_NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet34", "vitbase")


def main() -> None:
    """Prints every section, and writes them into the page with `--write`."""
    sections = {
        "accelerators-bitmod": bitmod_section,
        "accelerators-m4bram": m4bram_section,
        "accelerators-bitvert": bitvert_section,
        "accelerators-speed": speed_section,
    }
    for name, section in sections.items():
        body = section()
        print(f"{body}\n")
        if "--write" in sys.argv[1:]:
            write_section(name, body, _PAGE)
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
    with (_GOLDENS / "bbs_models.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
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
    """Seconds for a whole space, for one network, and for a sweep of configurations."""
    space = Nb201()
    architectures = list(space.enumerate())
    rows = []
    for name in hardware_names():
        target = load_target(name)
        seconds = _timed(lambda target=target: segment_costs(target, space, architectures))
        rows.append([name, f"{seconds:.3f}"])
    bitmod = load_target("bitmod-lossy")
    assert isinstance(bitmod, BitMod)
    rng = np.random.default_rng(0)
    changes = {key: rng.integers(8, 256, 100_000) for key in ("rows", "columns", "dram_bits_per_cycle")}
    prompt = llm_workload("llama-2-7b", stage="prefill")
    swept = _timed(lambda: sweep(bitmod, prompt, changes))
    return "\n\n".join(
        [
            "### How long costs take",
            "Processor seconds for all 15,625 cells of NAS-Bench-201 on one configuration, the first time, in the mode "
            "of the catalogue.",
            markdown_table(["target", "seconds"], rows),
            f"100,000 configurations of BitMoD (rows, columns, bandwidth) for a prompt of llama-2-7b: {swept:.2f} s.",
            _against_the_original(),
        ]
    )


def _against_the_original() -> str:
    """ResNet-34 on BitVert's designs, every weight counted, against the time that the authors' program took."""
    layers = _bitvert_networks()["resnet34"]
    rng = np.random.default_rng(0)
    weights = {layer.name: synthetic_weights(weight_shape(layer), rng=rng) for layer in layers}
    names = {"Pragmatic": "pragmatic", "Bitlet": "bitlet", "BitWave": "bitwave", "ANT": "bitvert-ant"}
    rows = []
    with (_GOLDENS / "bbs_summary.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            design = names.get(row["accelerator"].split("(")[0])
            if row["model"] == "resnet34" and design is not None:
                seconds = _timed(lambda design=design: _bitvert(design, "published", layers, weights))
                rows.append([design, f"{float(row['sim_seconds']):.1f}", f"{seconds:.3f}"])
    table = markdown_table(["ResNet-34 on", "original, s", "here, s"], rows)
    return (
        f"All weights of one network, against the time that the original took to make the reference outputs:\n\n{table}"
    )


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
