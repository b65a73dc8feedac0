"""`archcast refit`: brings predictors in line with this version, its settings and the samples at hand."""

from typing import Annotated

import typer

from service.cli.failures import CommandError
from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, say
from service.cli.progress import progress


def refit(
    space: Annotated[str | None, typer.Option("--space", help="Default: every space.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Fit the predictors whose samples, sources or candidates changed, as after an upgrade or another setting."""
    from dataclasses import asdict

    from service.cli.workspace import open_workspace
    from service.use_cases.adapt_predictor import adapt_all

    with open_workspace(data_dir) as workspace:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        if space is not None and space not in spaces:
            raise CommandError(f"unknown space {space!r}; known: {', '.join(spaces)}")
        fitted = []
        for name in [space] if space is not None else spaces:
            with progress(f"predictors of {name}") as on_progress:
                fitted += adapt_all(workspace.engine, spaces, workspace.candidates, name, on_progress)
    if as_json:
        print_json({"predictors": [asdict(each) for each in fitted]})
    else:
        say(f"{len(fitted):,} predictors up to date")
