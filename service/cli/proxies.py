"""`archcast proxies`: zero-cost proxies of architectures."""

import math
from typing import Annotated

import typer

from service.cli.options import MAX_SEED, AsJson, DataDir, SpaceOption
from service.cli.output import print_json, print_table
from service.cli.progress import progress


def proxies(
    space: SpaceOption,
    architectures: Annotated[list[str] | None, typer.Argument(metavar="[ARCH]...", help="Any notation.")] = None,
    sample: Annotated[int, typer.Option("--sample", min=0, help="How many to draw at random instead.")] = 0,
    proxy: Annotated[
        list[str] | None, typer.Option("--proxy", help="Name of a proxy; repeatable. Default all.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=MAX_SEED, help="Of the sample, weights, images and noise.")
    ] = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", min=2, max=1024, help="Images in the batch.")] = 64,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Numbers of untrained networks that go along with accuracy; each is computed once and kept in the database."""
    import numpy as np

    from arch_encodings.zero_cost import PROXIES, ProxySettings
    from service.cli.failures import CommandError
    from service.cli.workspace import open_workspace
    from service.lookup import find_space
    from service.use_cases.compute_proxies import compute_proxies

    if bool(sample) == bool(architectures):
        raise CommandError("give either architectures or --sample COUNT")
    names = tuple(dict.fromkeys(proxy or PROXIES))
    with open_workspace(data_dir) as workspace:
        with workspace.read_sessions() as session:
            searched = find_space(workspace.spaces(session), space)
        if sample > searched.size:
            raise CommandError(f"{space} has {searched.size:,} architectures, fewer than --sample {sample}")
        chosen = [searched.parse(notation) for notation in architectures or ()]
        chosen += searched.sample(sample, rng=np.random.default_rng(seed))
        settings = ProxySettings.of_space(space, seed=seed, batch_size=batch_size)
        with progress("proxies") as on_progress:
            values = compute_proxies(workspace.sessions, searched, chosen, names, settings, on_progress)
    if as_json:
        columns = {name: [_number(value) for value in column] for name, column in zip(names, values.T, strict=True)}
        print_json({"space": space, "architectures": [one.key for one in chosen], "proxies": columns})
        return
    rows = [(one.key, *row) for one, row in zip(chosen, values.tolist(), strict=True)]
    print_table(("architecture", *names), rows)


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else float(value)
