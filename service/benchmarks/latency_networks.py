"""Trains the latency networks that come with the package, on every device of a space's public tables.

A tenth of the architectures, no cell of which is isomorphic to a trained one, is held out and says how well the network
tells the devices it knows; benchmarks of devices it does not know train networks of their own.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from predictors import SourceLatencies
from predictors.graph.pretrained import PretrainedNasflat, PretrainedTrunk, pretrain_nasflat, pretrain_trunk
from predictors.graph.settings import NasflatSettings, TrainingSettings
from predictors.graph.shipped import Kind
from predictors.graph.training import OnProgress, silent
from predictors.metrics import kendall, spearman
from service.benchmarks.latency_tables import LatencyTable
from spaces import Architecture, get_space
from spaces.base import BoolArray, FloatArray, SearchSpace, class_of

HELD_OUT_SHARE: Final = 0.1
# Variants of a device on networks whose input shape upstream does not give.
_NOT_DEVICES: Final = "_large"
_PACKAGES: Final = ("numpy", "torch", "archcast")
# With which the networks that come with archcast were trained; their manifests say so.
TRAININGS: Final[Mapping[Kind, Mapping[str, TrainingSettings]]] = {
    "trunk": {
        "nb201": TrainingSettings(epochs=20, batch=128, learning_rate=3e-3, series=64),
        "fbnet": TrainingSettings(epochs=30, batch=128, learning_rate=3e-3, series=64),
    },
    "nasflat": {
        "nb201": TrainingSettings(epochs=12, batch=64, learning_rate=3e-3, series=2),
        "fbnet": TrainingSettings(epochs=30, batch=64, learning_rate=3e-3, series=2),
    },
}


def train_network(
    kind: Kind,
    space: str,
    table: LatencyTable,
    *,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    encoding: str = "",
    checkpoint: Path | None = None,
    resume: bool = False,
    on_progress: OnProgress = silent,
) -> tuple[PretrainedTrunk | PretrainedNasflat, dict[str, Any]]:
    """The network, and what its manifest says of its training.

    Args:
        epochs: if not those of `TRAININGS`.
        device: torch device to train on.
        encoding: supplementary encoding of "nasflat", a key of `ENCODERS`.
        checkpoint: written after each epoch; with `resume` training goes on from it.
    """
    names = tuple(name for name in sorted(table.latency_ms) if not name.endswith(_NOT_DEVICES))
    latency_ms = np.stack([table.latency_ms[name] for name in names], axis=1)
    is_held_out = _held_out(get_space(space), table.architectures, seed)
    trained = np.flatnonzero(~is_held_out)
    sources = SourceLatencies(get_space(space), _take(table, ~is_held_out), names, latency_ms[trained])
    usual = TRAININGS[kind][space]
    training = replace(usual, epochs=epochs or usual.epochs, seed=seed, device=device)
    pretrain = {
        "trunk": pretrain_trunk,
        "nasflat": partial(pretrain_nasflat, settings=NasflatSettings(encoding=encoding)),
    }[kind]
    network = pretrain(sources, training=training, checkpoint=checkpoint, resume=resume, on_progress=on_progress)
    facts = {
        "data_sha256": _digest(table.architectures, names, latency_ms),
        "architectures": len(trained),
        "held_out_architectures": int(is_held_out.sum()),
        "settings": asdict(training),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "metrics": _metrics(network.relative(_take(table, is_held_out)), names, latency_ms[is_held_out]),
    }
    return network, facts


def model_card(manifest: dict[str, Any], command: str) -> str:
    """A page of markdown about a network, from its manifest."""
    training, metrics = manifest["training"], manifest["training"]["metrics"]
    mean = {name: np.mean([device[name] for device in metrics.values()]) for name in ("spearman", "kendall")}
    rows = [f"| {name} | {one['spearman']:.3f} | {one['kendall']:.3f} |" for name, one in metrics.items()]
    use = {"trunk": "graph_linear", "nasflat": "nasflat"}[manifest["kind"]]
    encoding = manifest["settings"].get("encoding")
    read = f"- **Reads** the encoding `{encoding}` at the head, beside the graph.\n" if encoding else ""
    return f"""# {manifest["kind"]} for {manifest["space"]}

Latencies of {len(manifest["devices"])} devices from the graph of an architecture, for adapting the predictor `{
        use
    }` to another device
from about 20 timings: `load_pretrained(get_space("{manifest["space"]}"), "{manifest["kind"]}")`.

- **Trained on** {
        training["architectures"]:,} architectures, all of their measured latencies in the public tables of HELP (MIT){
        " and EAGLE (Apache-2.0)" if manifest["space"] == "nb201" else ""
    }; seed {training["settings"]["seed"]}, {training["settings"]["epochs"]} epochs.
{read}- **Data** SHA-256 `{training["data_sha256"]}`.
- **Command** `{command}`.
- **Not for** devices in the list below as if they were new: the network has seen them. Benchmarks of new devices train
  their own networks, see `docs/benchmarks.md`. Latency is of the tables' batch size and image size.

On {
        training[
            "held_out_architectures"
        ]:,} architectures that were held out, with every one isomorphic to them (mean Spearman {mean["spearman"]:.3f},
Kendall {mean["kendall"]:.3f}):

| device | Spearman | Kendall |
| --- | ---: | ---: |
{chr(10).join(rows)}
"""


def _held_out(space: SearchSpace, architectures: Sequence[Architecture], seed: int) -> BoolArray:
    """(n,) a share of the classes of isomorphic architectures."""
    classes = [class_of(space, architecture) for architecture in architectures]
    distinct = sorted(set(classes))
    rng = np.random.default_rng(seed)
    chosen = set(rng.permutation(len(distinct))[: round(HELD_OUT_SHARE * len(distinct))].tolist())
    held_out = {name for number, name in enumerate(distinct) if number in chosen}
    return np.array([name in held_out for name in classes])


def _take(table: LatencyTable, rows: BoolArray) -> list[Architecture]:
    return [table.architectures[row] for row in np.flatnonzero(rows).tolist()]


def _digest(architectures: Sequence[Architecture], names: Sequence[str], latency_ms: FloatArray) -> str:
    text = "\n".join([*names, *(architecture.key for architecture in architectures)])
    return hashlib.sha256(text.encode() + latency_ms.astype("<f8").tobytes()).hexdigest()


def _metrics(relative: FloatArray, names: Sequence[str], latency_ms: FloatArray) -> dict[str, dict[str, float]]:
    """Rank correlations over the held-out architectures that the device has been measured on."""
    metrics = {}
    for column, name in enumerate(names):
        known = np.isfinite(latency_ms[:, column])
        pair = relative[known, column], latency_ms[known, column]
        metrics[name] = {"spearman": round(spearman(*pair), 4), "kendall": round(kendall(*pair), 4)}
    return metrics
