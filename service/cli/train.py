"""`archcast train`: train the networks behind learned encodings and latency predictors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.options import MAX_SEED

app = typer.Typer(no_args_is_help=True, help="Train the networks behind learned encodings and latency predictors.")

_JOINT = "joint"


@app.command()
def encoder(
    method: Annotated[Literal["arch2vec", "cate"], typer.Argument(help="What to train.")],
    names: Annotated[
        list[str], typer.Option("--space", help="Search space; repeat it for one network of several, joint means all.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", dir_okay=False, help="Default METHOD-SPACE.safetensors, or METHOD-joint.")
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the graphs, at most.")] = 40,
    graphs: Annotated[int, typer.Option("--graphs", min=100, help="Architectures taken of each space.")] = 6_000,
    seed: Annotated[int, typer.Option("--seed", min=0, max=MAX_SEED, help="The same seed gives the same network.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run with the same options was interrupted.")
    ] = False,
) -> None:
    """Train on the graphs of spaces, without measurements, and write the weights with their manifest."""
    from arch_encodings.learned.training import TrainingSettings, train
    from service.cli.failures import CommandError
    from service.cli.output import print_table, say
    from service.cli.progress import progress
    from spaces import SPACES, get_space

    spaces = [get_space(name) for name in (SPACES if _JOINT in names else dict.fromkeys(names))]
    trained_on = names[0] if len(names) == 1 else _JOINT
    path = output or Path(f"{method}-{trained_on}.safetensors")
    checkpoint = path.with_suffix(".checkpoint")
    if resume and not checkpoint.is_file():
        raise CommandError(f"there is nothing to resume: {checkpoint} does not exist")
    settings = TrainingSettings(seed=seed, epochs=epochs, graphs=graphs)
    with progress(f"{method} on {trained_on}, epochs") as on_progress:
        trained = train(method, spaces, settings, checkpoint=checkpoint, resume=resume, on_progress=on_progress)
    trained.save(path)
    checkpoint.unlink()
    say(f"{path}: best of {trained.manifest.epochs} epochs was {trained.manifest.best_epoch}; held-out graphs:")
    rows = [
        (name, score, value) for name, scores in trained.manifest.metrics.items() for score, value in scores.items()
    ]
    print_table(("space", "score", "value"), rows)


@app.command()
def latency(
    kind: Annotated[Literal["trunk", "nasflat"], typer.Argument(help="The network of graph_linear, or of nasflat.")],
    space: Annotated[Literal["nb201", "fbnet"], typer.Option("--space", help="Search space with public latencies.")],
    data: Annotated[
        Path, typer.Option("--data", exists=True, file_okay=False, help="Folder with help/ and eagle/.")
    ] = Path("../shared/data"),
    output: Annotated[
        Path | None, typer.Option("--output", file_okay=False, help="Folder. [default: the package's own]")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the architectures. [default: as shipped]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=MAX_SEED, help="The same seed gives the same network.")] = 0,
    supplementary: Annotated[
        str | None,
        typer.Option(
            "--supplementary",
            help="Encoding that nasflat reads at its head, such as cost or arch2vec; zcp and caz compute proxies of "
            "every architecture, seconds each. [default: none, as shipped]",
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Torch device to train on, such as cuda.")] = "cpu",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run with the same options was interrupted.")
    ] = False,
) -> None:
    """Train on the latencies of every public device of a space; write the network and its model card."""
    from predictors.graph.shipped import ARTIFACTS, write_pretrained
    from predictors.manifest import read_manifest
    from service.benchmarks.latency_networks import model_card, train_network
    from service.benchmarks.latency_tables import read_tables
    from service.cli.failures import CommandError
    from service.cli.output import say
    from service.cli.progress import progress

    encoding = _encoding(kind, space, supplementary)
    folder = output or ARTIFACTS
    checkpoint = folder / f"{kind}-{space}.checkpoint"
    if resume and not checkpoint.is_file():
        raise CommandError(f"there is nothing to resume: {checkpoint} does not exist")
    folder.mkdir(parents=True, exist_ok=True)
    table = read_tables(data)[space]
    with progress(f"{kind} on {space}, epochs") as on_progress:
        network, facts = train_network(
            kind,
            space,
            table,
            epochs=epochs,
            seed=seed,
            device=device,
            encoding=encoding,
            checkpoint=checkpoint,
            resume=resume,
            on_progress=on_progress,
        )
    path = write_pretrained(network, facts, folder)
    checkpoint.unlink()
    command = f"archcast train latency {kind} --space {space} --epochs {facts['settings']['epochs']} --seed {seed}"
    command += f" --supplementary {encoding}" if encoding else ""
    path.with_suffix(".md").write_text(model_card(read_manifest(path.read_bytes()), command), encoding="utf-8")
    say(f"{path}: trained on {facts['architectures']:,} architectures; its model card lies beside it")


def _encoding(kind: str, space: str, name: str | None) -> str:
    """The supplementary encoding, empty without one, or a refusal of what the network cannot read."""
    if name is None:
        return ""
    from arch_encodings import ENCODERS, UnsupportedSpaceError
    from spaces import get_space

    if kind != "nasflat":
        raise typer.BadParameter(f"{kind} reads no supplementary encoding, nasflat does")
    if name not in ENCODERS:
        raise typer.BadParameter(f"unknown encoding {name!r}; there are {', '.join(ENCODERS)}")
    try:
        ENCODERS[name].feature_names(get_space(space))
    except UnsupportedSpaceError as error:
        raise typer.BadParameter(str(error)) from error
    return name
