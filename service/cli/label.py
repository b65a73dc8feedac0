"""`archcast label`: what a simulated device computes for a space, stored as samples."""

from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir, DeviceOption, SpaceOption
from service.cli.output import print_json, say


def label(
    device: DeviceOption,
    space: SpaceOption,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Random architectures; the whole space by default.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random architectures.")] = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Store the costs that a simulated device computes as samples, to learn from as from measured ones."""
    import numpy as np

    from service.cli.progress import progress
    from service.cli.workspace import open_workspace
    from service.use_cases.label_space import label_space

    with open_workspace(data_dir) as workspace:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        with progress("samples") as on_progress, workspace.sessions.begin() as session:
            rng = np.random.default_rng(seed)
            done = label_space(session, spaces, device, space, count=count, rng=rng, on_progress=on_progress)
    if as_json:
        counts = {name: getattr(done.counts, name) for name in ("inserted", "updated", "unchanged")}
        print_json({"batch": done.batch, "architectures": done.architectures, **counts})
    else:
        say(f"{done.architectures:,} architectures of {space} have samples on {device}; undo with batch {done.batch}")
