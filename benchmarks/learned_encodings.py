"""What the committed weights of arch2vec and CATE have learned, on graphs and measurements they were not trained on.

    python benchmarks/learned_encodings.py --data ../shared/data --write

Quality of the networks at their own tasks, validity of what arch2vec decodes, and how well the neighbours of an
architecture in the embedding tell its FLOPs and its latency, against untrained networks and one-hot encodings.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from report import markdown_table, write_section
from scipy.spatial.distance import cdist

from arch_encodings import ENCODERS
from arch_encodings.learned.arch2vec import Arch2vec
from arch_encodings.learned.datasets import Split, split_space
from arch_encodings.learned.encoder import ARTIFACTS
from arch_encodings.learned.graph_tensors import GraphTensors
from arch_encodings.learned.trained import METHODS, TrainedEncoder, load
from predictors.metrics import spearman
from service.benchmarks.latency_tables import read_tables
from spaces import Architecture, InvalidArchitectureError, SearchSpace, get_space
from spaces.base import BoolArray, FloatArray, IntArray, class_of

DEVICES = {"nb201": ("1080ti_1", "pixel3"), "fbnet": ("1080ti_1", "raspi4")}
REFERENCES = 500
QUERIES = 4_000
NEIGHBOURS = 10
PAIRS = 20_000
DECODED = 1_000

QUALITY = """Held-out graphs are of other isomorphism classes (NB201) and never, in any order of nodes, have the live
graph of a training example. Exact: operations and edges of the whole graph are restored. No edge accuracy: what a guess
without edges would score; most frequent op accuracy: what naming the most frequent operation would."""
VALIDITY = f"""What arch2vec decodes, {DECODED:,} latents each: those of held-out graphs, and ones drawn from the normal
distribution that each node's latent has over training graphs. It is a graph of the space only if every edge is."""
NEIGHBOURHOOD = f"""k-NN: Spearman correlation between the mean of the {NEIGHBOURS} nearest among {REFERENCES} measured
architectures and the truth, over {QUERIES:,} of other isomorphism classes. Distance: Spearman correlation over
{PAIRS:,} pairs between distance and difference of log values. FLOPs count dead operations, as measured networks run
them. Means over choices of the measured architectures, of the untrained weights and of the projections."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is told from embeddings of a space: n architectures and for each target its values, (n,).

    `classes` (n,) are equal for architectures that must not tell each other.
    """

    space: SearchSpace
    architectures: list[Architecture]
    targets: dict[str, FloatArray]
    classes: IntArray


def read_tasks(data: Path) -> Iterator[Task]:
    """FLOPs and two devices' latencies of NB201 and of FBNet."""
    tables = read_tables(data)
    for name, devices in DEVICES.items():
        space, architectures = get_space(name), tables[name].architectures
        column = ENCODERS["cost"].feature_names(space).index("total:macs")
        macs = ENCODERS["cost"].encode(space, architectures)[:, column]
        targets = {"FLOPs": macs, **{device: tables[name].latency_ms[device] for device in devices}}
        classes = np.unique([class_of(space, architecture) for architecture in architectures], return_inverse=True)[1]
        yield Task(space, architectures, targets, classes)


def neighbour_scores(task: Task, encoded: FloatArray, seed: int) -> list[float]:
    """For each target two Spearman correlations.

    The first is of the mean of the nearest measured architectures with the truth, over architectures of other classes;
    the second of distances between pairs with the differences of their log values. Columns are standardised.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(encoded))
    known, asked = order[:REFERENCES], order[REFERENCES:]
    asked = asked[~np.isin(task.classes[asked], task.classes[known])][:QUERIES]
    scaled = (encoded - encoded[known].mean(axis=0)) / (encoded[known].std(axis=0) + 1e-9)
    nearest = known[np.argsort(cdist(scaled[asked], scaled[known]), axis=1)[:, :NEIGHBOURS]]
    first, second = rng.integers(len(encoded), size=(2, PAIRS))
    distances = np.linalg.norm(scaled[first] - scaled[second], axis=1)
    scores = []
    for values in task.targets.values():
        differences = np.abs(np.log(values[first] / values[second]))
        scores += [
            spearman(values[nearest].mean(axis=1), values[asked]),
            spearman(distances, differences),
        ]
    return scores


def untrained(trained: TrainedEncoder, seed: int) -> TrainedEncoder:
    """The same network with the weights it starts from."""
    torch.manual_seed(seed)
    network = METHODS[trained.manifest.method](trained.manifest.vocabulary.size, trained.manifest.dimension)
    return TrainedEncoder(network.eval().requires_grad_(False), trained.manifest)


def neighbour_table(task: Task, seeds: int) -> str:
    """A row per encoding, mean of `seeds` choices of reference architectures (and of untrained weights)."""

    def row(name: str, encodings: list[FloatArray]) -> list[str]:
        scores = np.mean([neighbour_scores(task, encodings[s % len(encodings)], s) for s in range(seeds)], axis=0)
        return [name, *(f"{score:.3f}" for score in scores)]

    space, architectures = task.space, task.architectures
    rows = []
    for method in METHODS:
        own = load(ARTIFACTS / f"{method}-{space.name}.safetensors")
        joint = load(ARTIFACTS / f"{method}-joint.safetensors")
        rows += [
            row(method, [own.embed(space, architectures)]),
            row(f"{method}, joint weights", [joint.embed(space, architectures)]),
            row(f"{method}, untrained", [untrained(own, seed).embed(space, architectures) for seed in range(seeds)]),
        ]
    one_hot = ENCODERS["one_hot"].encode(space, architectures)
    columns = one_hot.shape[1]
    projections = [np.random.default_rng(s).standard_normal((columns, 32)) for s in range(seeds)]
    rows.append(row(f"one-hot, {columns} columns", [one_hot]))
    rows.append(row("one-hot, random projection to 32", [one_hot @ projection for projection in projections]))
    header = [space.name, *(f"{target} {kind}" for target in task.targets for kind in ("k-NN", "distance"))]
    return markdown_table(header, rows)


def quality_table() -> str:
    """The scores of each file of weights on the graphs held out from its training, from its manifest."""
    rows = []
    for path in sorted(ARTIFACTS.glob("*.safetensors")):
        manifest = load(path).manifest
        for space, scores in manifest.metrics.items():
            listed = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in scores.items())
            epochs = f"{manifest.best_epoch} of {manifest.epochs}"
            rows.append([path.stem, space, listed, epochs, str(manifest.settings["seed"])])
    return markdown_table(["weights", "space", "on held-out graphs", "best epoch", "seed"], rows)


def validity_row(space: SearchSpace) -> list[str]:
    """Shares of architectures of the space among what arch2vec decodes, in percent.

    Decoded are the latents of held-out graphs, and latents drawn from a normal distribution with the mean and spread
    that each node's latent has over training graphs.
    """
    trained = load(ARTIFACTS / f"arch2vec-{space.name}.safetensors")
    settings = trained.manifest.settings
    rng = np.random.default_rng(settings["seed"])
    split: Split = split_space(space, trained.manifest.vocabulary, settings["graphs"], rng=rng)
    network = trained.module
    assert isinstance(network, Arch2vec)
    torch.manual_seed(0)
    with torch.inference_mode():
        held_out = network.latent(GraphTensors.of(split.validation))[0][:DECODED]
        known = network.latent(GraphTensors.of(split.training))[0]
        drawn = known.mean(0) + known.std(0) * torch.randn(DECODED, *known.shape[1:])
        cells = []
        for latent in (held_out, drawn):
            ops, edges = network.decode(latent)
            has_ops, is_graph = validity(space, trained, ops.argmax(-1).numpy(), (edges > 0).triu(1).numpy())
            cells += [f"{100 * has_ops:.1f}", f"{100 * is_graph:.1f}"]
    return [space.name, *cells]


def validity(space: SearchSpace, trained: TrainedEncoder, ops: IntArray, edges: BoolArray) -> tuple[float, float]:
    """Share with operations that the space allows at their places, and share whose edges are theirs as well."""
    names = {number: op for op, number in trained.manifest.vocabulary.ids[space.name].items()}
    found: list[tuple[bool, bool]] = []
    for row, edge in zip(ops.tolist(), edges, strict=True):
        labels = [names.get(number, "") for number in row]
        try:
            graph = space.graph(space.parse(labels[1:-1]))
        except InvalidArchitectureError:
            found.append((False, False))
            continue
        has_ops = [space.op_names[op] for op in graph.ops] == labels
        found.append((has_ops, has_ops and bool((graph.adjacency == edge).all())))
    has_ops, is_graph = np.mean(found, axis=0).tolist()
    return has_ops, is_graph


def main() -> None:
    """Print the section, or write it into docs/encodings.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the reference data")
    parser.add_argument("--seeds", type=int, default=5, help="choices of reference architectures")
    parser.add_argument("--write", action="store_true", help="write into docs/encodings.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    header = ["decoded from", *(f"{z}: {what}" for z in ("held-out", "drawn") for what in ("operations %", "graph %"))]
    parts = [
        "### What they learned",
        QUALITY,
        quality_table(),
        VALIDITY,
        markdown_table(header, [validity_row(get_space(name)) for name in DEVICES]),
        NEIGHBOURHOOD,
        *(neighbour_table(task, arguments.seeds) for task in read_tasks(arguments.data)),
    ]
    body = "\n\n".join(parts)
    print(body)
    if arguments.write:
        write_section("learned_encodings", body, page="encodings.md")


if __name__ == "__main__":
    main()
