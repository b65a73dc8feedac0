"""BitVert against every prior design, each refinement's share, and binary pruning: `python benchmarks/bitvert.py`.

Weights are normal, from fixed seeds, since the paper's checkpoints are not public. `--write` puts the sections into
docs/targets-bitvert.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
from report import markdown_table, write_section

from spaces.base import Workload
from targets import BitSerial, BitSerialHardware, Cost, load_hardware
from targets.bbs import METHODS, binary_prune, effective_size_bits
from targets.bitvert import REFINEMENTS
from targets.bitvert.synthetic_weights import synthetic_weights, weight_shape
from targets.reference_networks import REFERENCE_NETWORKS

_PAGE = "targets-bitvert.md"
_NETWORKS = ("resnet34", "resnet50", "vit-small", "bert-base")
_PRIOR = ("stripes", "pragmatic", "bitlet", "bitwave", "bitvert-ant")
_OURS = ("bitvert-conservative", "bitvert-moderate")


def main() -> None:
    """Prints every section, and writes them into the page with `--write`."""
    sections = {
        "bitvert-headlines": headline_section(),
        "bitvert-refinements": refinement_section(),
        "bitvert-pruning": pruning_section(),
    }
    for name, body in sections.items():
        print(f"{body}\n")
        if "--write" in sys.argv[1:]:
            write_section(name, body, _PAGE)


def headline_section() -> str:
    """Gain of both BitVert designs over each prior one: range over the networks."""
    rows = []
    for mode in ("published", "refined"):
        costs = {
            (design, name): _cost(design, mode, REFERENCE_NETWORKS[name]())
            for design in (*_PRIOR, *_OURS)
            for name in _NETWORKS
        }
        for baseline in _PRIOR:
            cells = []
            for design in _OURS:
                pairs = [(costs[baseline, name], costs[design, name]) for name in _NETWORKS]
                for figure in (_cycles, _energy):
                    gains = [figure(slow) / figure(fast) for slow, fast in pairs]
                    cells.append(f"{min(gains):.2f}-{max(gains):.2f}")
            rows.append([f"{mode}, over {baseline}", *cells])
    header = ["", "conservative: speed", "energy", "moderate: speed", "energy"]
    return "\n\n".join(
        [
            "### BitVert over prior designs",
            "Ranges over ResNet-34, ResNet-50, ViT-small and BERT-base; BitWave keeps 6 columns. `published` leaves "
            "out attention products, pooling and additions, as the authors do; `refined` has them.",
            markdown_table(header, rows),
        ]
    )


def refinement_section() -> str:
    """Cycles and energy with one refinement alone, relative to published."""
    designs = ("stripes", "pragmatic", "bitlet", "bitwave", "bitvert-moderate")
    products = _without_other_operations(REFERENCE_NETWORKS["resnet34"]())
    rows = []
    for refinement in REFINEMENTS:
        if refinement == "other-operations":
            continue  # the published model cannot run them at all
        cells = []
        for design in designs:
            base, alone = (_cost(design, "refined", products, chosen) for chosen in ([], [refinement]))
            cells.append(f"{_cycles(alone) / _cycles(base):.3f} / {_energy(alone) / _energy(base):.3f}")
        rows.append([refinement, *cells])
    return "\n\n".join(
        [
            "### What each refinement changes",
            "Cycles / energy on ResNet-34 with one refinement alone, relative to `published`; 1.000 where it does not "
            "concern the design or the batch of one.",
            markdown_table(["refinement", *designs], rows),
        ]
    )


def pruning_section() -> str:
    """Error, size and speed of binary pruning of a network's last stage."""
    rng = np.random.default_rng(20260)
    layers = [layer for layer in REFERENCE_NETWORKS["resnet34"]().layers if layer.name.startswith("layer4")]
    weights = [synthetic_weights(weight_shape(layer), rng=rng) for layer in layers if layer.kind == "conv"]
    count = sum(tensor.size for tensor in weights)
    power = sum(float(np.square(tensor.astype(np.float64)).sum()) for tensor in weights)
    rows = []
    for columns in (1, 2, 3, 4, 5):
        size_bits = sum(effective_size_bits(tensor, pruned_columns=columns) for tensor in weights)
        cells = []
        for method in METHODS:
            start = time.process_time()
            error = sum(
                float(np.square(binary_prune(tensor, method, pruned_columns=columns) - tensor.astype(np.float64)).sum())
                for tensor in weights
            )
            speed = count / (time.process_time() - start) / 1e6
            cells.append(f"{error / count:.2f} / {10 * np.log10(power / error):.1f} dB ({speed:.0f} M/s)")
        rows.append([str(columns), f"{size_bits / count:.2f}", *cells])
    shares = [
        f"{name}: {8 / (fraction * 8 + (1 - fraction) * (8 - columns)):.2f}x smaller without the groups' metadata, "
        f"{8 / (fraction * 8 + (1 - fraction) * (8 - columns + 8 / 32)):.2f}x with it"
        for name, fraction, columns in (("conservative", 0.1, 2), ("moderate", 0.2, 4))
    ]
    return "\n\n".join(
        [
            "### Binary pruning",
            f"The last stage of ResNet-34, {count:,} weights in groups of 32: mean squared error / signal to "
            f"noise (and weights per processor second). With the sensitive channels kept: {'; '.join(shares)}.",
            markdown_table(["columns pruned", "bits per weight", *METHODS], rows),
        ]
    )


def _without_other_operations(workload: Workload) -> Workload:
    return Workload(tuple(layer for layer in workload.layers if layer.kind in ("conv", "linear")))


def _target(design: str, mode: str, refinements: Sequence[str] | None = None) -> BitSerial:
    description = {**load_hardware(design).model_dump(), "mode": mode, "refinements": refinements}
    return BitSerial(BitSerialHardware.model_validate(description))


def _cost(design: str, mode: str, workload: Workload, refinements: Sequence[str] | None = None) -> Cost:
    return _target(design, mode, refinements).cost(
        _without_other_operations(workload) if mode == "published" else workload
    )


def _cycles(cost: Cost) -> float:
    assert cost.cycles is not None
    return cost.cycles.total


def _energy(cost: Cost) -> float:
    assert cost.energy_mj is not None
    return cost.energy_mj


if __name__ == "__main__":
    main()
