"""`archcast train`: train the networks behind learned encodings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.options import MAX_SEED

app = typer.Typer(no_args_is_help=True, help="Train the networks behind learned encodings.")

_JOINT = "joint"


@app.callback()
def _group() -> None:
    """Keeps `encoder` a command of its own while it is the only one."""


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
