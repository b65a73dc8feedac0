"""The authors' comparisons: a design against DLA, both as fast as a search makes them under the same budget.

Source: Chen et al. 2023, "M4BRAM" (arXiv 2311.02758), and its scripts, whose folded networks are in `networks.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from targets.errors import TargetError
from targets.m4bram.configuration import Configurations
from targets.m4bram.design import DESIGNS, Design
from targets.m4bram.engine import Engine
from targets.m4bram.network import FeatureMap, FoldedLayer, Network
from targets.m4bram.search import (
    BRAMAC_STUDY_GRID,
    REFERENCE_DLA,
    Budget,
    Candidate,
    Objective,
    best_configuration,
    candidate,
)


class UnknownNetworkError(TargetError):
    """No network of that name among the studies."""

    def __init__(self, name: str, known: list[str]):
        super().__init__(f"unknown network {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = known


@dataclass(frozen=True, slots=True)
class StudiedLayer:
    """A layer on both.

    Attributes:
        name: kind and number.
        baseline: as DLA folds it.
        folded: as the design folds it.
        baseline_cycles, cycles: of one sample.
    """

    name: str
    baseline: FoldedLayer
    folded: FoldedLayer
    baseline_cycles: int
    cycles: int


@dataclass(frozen=True, slots=True)
class Study:
    """A design and DLA under one budget, with the configurations that were found.

    Attributes:
        rvec: filter columns at a time, of both.
    """

    rvec: int
    baseline: Candidate
    chosen: Candidate
    layers: tuple[StudiedLayer, ...]

    @property
    def speedup(self) -> float:
        """Of the design over DLA."""
        return self.baseline.cycles / self.chosen.cycles

    @property
    def area_ratio(self) -> float:
        """Of the design to DLA."""
        return self.chosen.area / self.baseline.area


def study_names() -> tuple[str, ...]:
    """Networks of the studies."""
    return tuple(_descriptions())


def study_budget(network: str, weight_bits: int, *, is_mixed: bool = False, has_dsps: bool = True) -> Budget:
    """What the authors allow: a small chip, or a large one for deep networks at 8 bits and for mixed widths."""
    if not has_dsps:
        return Budget(640, 2489)
    is_large = is_mixed or (weight_bits == 8 and network in ("vgg16", "resnet18", "resnet34"))
    return Budget(1152, 2489) if is_large else Budget(645, 1537)


def study(
    design: str,
    network: str,
    weight_bits: int,
    activation_bits: int,
    *,
    budget: Budget | None = None,
    objective: Objective = "speedup_per_area",
) -> Study:
    """Search for both and compare.

    Args:
        design: a key of `DESIGNS`.
        network: one of `study_names`.
        budget: the authors' by default, see `study_budget`.
        objective: of the design; DLA is always searched for by speed squared per area, as the authors do.

    Raises: UnknownNetworkError; NoConfigurationError if nothing fits into the budget.
    """
    description = _description(network)
    own = DESIGNS[design]
    has_dsps = own.family != "no-dsp"
    budget = budget or study_budget(network, weight_bits, has_dsps=has_dsps)
    dla = Engine(DESIGNS["DLA"], weight_bits, activation_bits, description.get("rvec", 3))
    engine = Engine(own, *own.widths(weight_bits, activation_bits), description.get("rvec", 3))
    plain, folded = _network(description, DESIGNS["DLA"]), _network(description, own)
    is_bramac = own.family == "bramac"
    baseline = best_configuration(
        dla,
        plain,
        budget,
        objective="speedup_per_area",
        relative_to=candidate(dla, plain, REFERENCE_DLA),
        grid=BRAMAC_STUDY_GRID if is_bramac else None,
    )
    chosen = baseline
    if own.family != "dla":
        chosen = best_configuration(
            engine,
            folded,
            budget,
            objective=objective if has_dsps else "cycles",
            relative_to=baseline,
            least_speedup=0.5 if is_bramac else 1.0,
        )
    before, after = _layer_cycles(dla, plain, baseline), _layer_cycles(engine, folded, chosen)
    names = [f"{layer.kind}_{number}" for number, layer in enumerate(folded.layers, start=1)]
    layers = zip(names, plain.layers, folded.layers, before, after, strict=True)
    return Study(engine.rvec, baseline, chosen, tuple(StudiedLayer(*each) for each in layers))


def _layer_cycles(engine: Engine, network: Network, found: Candidate) -> list[int]:
    configurations = Configurations.of(found.configuration)
    brams = engine.filter_cache_brams(network, configurations)
    return [int(engine.layer_cycles(layer, configurations, brams)[0]) for layer in network.layers]


def _network(description: Mapping[str, Any], design: Design) -> Network:
    """As the design folds it; DLA's fold sizes the filter cache of all."""
    plain = _layers(description, is_dla=True)
    convolutions = [layer for layer in plain if layer.kind == "conv"]
    (rows_in, columns_in, channels_in), (rows_out, columns_out, channels_out) = description["map"]
    fraction = description.get("cached_fraction", 1.0)
    if design.family == "no-dsp":
        fraction = description.get("cached_fraction_without_dsps", fraction)
    return Network(
        plain if design.family == "dla" else _layers(description, is_dla=False),
        max(convolutions, key=lambda layer: layer.weights),
        FeatureMap(rows_in * columns_in * channels_in, rows_out * columns_out * channels_out, columns_in, columns_out),
        output_copies=description.get("output_copies", 1),
        cached_fraction=fraction,
        filter_copies=description.get("filter_copies", 1),
    )


def _layers(description: Mapping[str, Any], *, is_dla: bool) -> tuple[FoldedLayer, ...]:
    rows = list(description["layers"])
    if is_dla:
        rows[0] = description.get("dla_first", rows[0])
    return tuple(
        FoldedLayer.conv(*sizes) if len(sizes) > 2 else FoldedLayer.fc(*sizes)
        for count, *sizes in rows
        for _ in range(count)
    )


def _description(network: str) -> Mapping[str, Any]:
    descriptions = _descriptions()
    if network not in descriptions:
        raise UnknownNetworkError(network, list(descriptions))
    return descriptions[network]


@cache
def _descriptions() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(files("targets.m4bram").joinpath("networks.yaml").read_text(encoding="utf-8"))
