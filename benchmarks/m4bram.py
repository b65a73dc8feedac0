"""M4BRAM, DLA and BRAMAC on real networks without the model's faults: `python benchmarks/m4bram.py [--write]`.

The authors' own comparison, with their folded networks, is a section of `benchmarks/accelerators.py`. `--write` puts
the sections into docs/targets-m4bram.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
from report import markdown_table, write_section

from spaces.base import Workload
from targets import Cost, M4bram, M4bramHardware, Precision, load_hardware
from targets.m4bram import DESIGNS, Budget, Engine, Network, SearchGrid, evaluate
from targets.m4bram.refinements import REFINEMENTS
from targets.m4bram.studies import study
from targets.reference_networks import REFERENCE_NETWORKS

_PAGE = "targets-m4bram.md"
_NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet34")
_FITTING = ("alexnet", "resnet18", "resnet34")
_DESIGNS = ("DP-M4S", "SY-M4L", "BRAMAC-1DA", "BRAMAC-2SA")
_ON_BOTH = ("column-split", "dense-padding", "memory-bandwidth", "same-objective", "exact-cycles")


def main() -> None:
    """Prints every section, and writes them into the page with `--write`."""
    sections = {
        "m4bram-real": real_section(),
        "m4bram-refinements": refinement_section(),
        "m4bram-mixed": mixed_section(),
        "m4bram-search": search_section(),
    }
    for name, body in sections.items():
        print(f"{body}\n")
        if "--write" in sys.argv[1:]:
            write_section(name, body, _PAGE)


def real_section() -> str:
    """Speedup over DLA in milliseconds, both the fastest that fits into the budget."""
    rows, gains = [], {design: [] for design in _DESIGNS}
    for name in _NETWORKS:
        workload = REFERENCE_NETWORKS[name]()
        for bits in (2, 4, 8):
            dla = _cost("DLA", "refined", workload, bits)
            cells = []
            for design in _DESIGNS:
                gains[design].append(dla.latency_ms / _cost(design, "refined", workload, bits).latency_ms)
                cells.append(f"{gains[design][-1]:.2f}")
            rows.append([f"{name}, {bits} bits", f"{dla.latency_ms:.2f}", *cells])
    rows.append(["**mean**", "", *(f"{np.mean(gain):.2f}" for gain in gains.values())])
    m4bram, bramac = (np.mean([gains[design] for design in pair]) for pair in (_DESIGNS[:2], _DESIGNS[2:]))
    return "\n\n".join(
        [
            "### The same networks for all",
            "Speedup over DLA in the mode `refined`: layers as they are, all designs searched for fewest cycles, "
            "1152 DSPs and 2489 block RAMs, 0.3 GHz, 19.2 GB/s. Ratio of the means of M4BRAM and BRAMAC: "
            f"{m4bram / bramac:.2f}.",
            markdown_table(["network", "DLA, ms", *_DESIGNS], rows),
        ]
    )


def refinement_section() -> str:
    """The speedup of SY-M4L over DLA with one refinement alone."""
    rows = []
    for label, refinements in (("none", []), *((name, [name]) for name in _ON_BOTH), ("all", list(REFINEMENTS))):
        cells = []
        for name in _FITTING:
            workload = _products(REFERENCE_NETWORKS[name]())
            dla, m4bram = (
                _cost(design, "refined", workload, 8, refinements, "speedup_per_area") for design in ("DLA", "SY-M4L")
            )
            cells.append(f"{dla.latency_ms / m4bram.latency_ms:.2f}")
        rows.append([label, *cells])
    return "\n\n".join(
        [
            "### What each refinement changes",
            "Speedup of SY-M4L over DLA at 8 bits with one refinement alone, on the real networks without pooling and "
            "additions, each searched for by speed squared per area unless refined. VGG-16 is "
            "missing: its feature maps do not fit on the chip as published.",
            markdown_table(["refinement", *_FITTING], rows),
        ]
    )


def mixed_section() -> str:
    """The authors' studies of mixed widths and of block RAMs without DSPs."""
    rows = []
    for design in ("DP-M4S", "SY-M4L", "DP-M4L"):
        means = [
            np.mean(
                [
                    study(design, network, 8, bits, budget=Budget(1152, 2489), objective="cycles").speedup
                    for network in ("vgg16", "resnet18", "resnet34")
                ]
            )
            for bits in (8, 7, 6, 5, 4)
        ]
        rows.append([design, *(f"{mean:.2f}" for mean in means), f"{np.mean(means):.3f}"])
    for design in ("SY-M4L-no-DSP", "DP-M4L-no-DSP"):
        means = [
            np.mean([study(design, network, 8, bits).speedup for network in ("alexnet", "resnet18", "resnet34")])
            for bits in (8, 7, 6, 5, 4)
        ]
        rows.append([design, *(f"{mean:.2f}" for mean in means), f"{np.mean(means):.3f}"])
    return "\n\n".join(
        [
            "### Mixed widths, and no DSPs",
            "Mean speedup over DLA in the mode `published`, 8-bit weights and activations of so many bits. With DSPs: "
            "VGG-16, ResNet-18 and ResNet-34; the authors report 2.14 for DP-M4L. Without: AlexNet, ResNet-18 and "
            "ResNet-34 against a DLA of 640 DSPs.",
            markdown_table(["design", "8 bits", "7", "6", "5", "4", "mean"], rows),
        ]
    )


def search_section() -> str:
    """Processor seconds of a search, and how many configurations that is."""
    network, rows = Network.of(REFERENCE_NETWORKS["resnet34"]()), []
    for design in ("DLA", "SY-M4L", "BRAMAC-2SA", "SY-M4L-no-DSP"):
        engine = Engine(DESIGNS[design], 8, 8)
        SearchGrid.configurations.cache_clear()
        start = time.process_time()
        configurations = SearchGrid().configurations(engine)
        evaluate(engine, network, configurations)
        rows.append([design, f"{len(configurations):,}", f"{time.process_time() - start:.3f}"])
    start = time.process_time()
    count = 0
    for name in ("alexnet", "vgg16", "resnet18"):
        for bits in (2, 4, 8):
            for design in _DESIGNS:
                study(design, name, bits, bits)
                count += 2
    seconds = time.process_time() - start
    return "\n\n".join(
        [
            "### How long the search takes",
            f"All configurations of the grid on ResNet-34, whether they fit or not. {count} searches of the "
            f"comparison with BRAMAC (three networks, three widths, four designs and their DLA): {seconds:.1f} s; all "
            "experiments together took the original 4.7 minutes of processor time.",
            markdown_table(["design", "configurations", "processor seconds"], rows),
        ]
    )


def _products(workload: Workload) -> Workload:
    return Workload(tuple(layer for layer in workload.layers if layer.kind in ("conv", "linear")))


def _cost(
    design: str,
    mode: str,
    workload: Workload,
    bits: int,
    refinements: Sequence[str] | None = None,
    objective: str = "cycles",
) -> Cost:
    changes = {
        "mode": mode,
        "design": design,
        "configuration": None,
        "refinements": refinements,
        "objective": objective,
    }
    hardware = M4bramHardware.model_validate({**load_hardware("m4bram").model_dump(), **changes})
    return M4bram(hardware).cost(workload, Precision(bits, bits))


if __name__ == "__main__":
    main()
