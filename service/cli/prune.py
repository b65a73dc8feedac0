"""`archcast prune`: removes old predictor versions and old jobs."""

from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, say


def prune(
    keep_versions: Annotated[
        int | None, typer.Option("--keep-versions", min=1, help="Newest versions to keep. [ARCHCAST_KEEP_VERSIONS: 10]")
    ] = None,
    keep_days: Annotated[
        float | None, typer.Option("--keep-days", min=0, help="Age up to which all is kept. [ARCHCAST_KEEP_DAYS: 30]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, remove nothing.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Remove old predictor versions and ended jobs; never a device's newest predictor, never a measurement."""
    from dataclasses import asdict

    from service.cli.workspace import open_workspace
    from service.use_cases.prune import prune

    with open_workspace(data_dir) as workspace, workspace.sessions() as session:
        settings = workspace.settings
        pruned = prune(
            session,
            keep_versions=settings.keep_versions if keep_versions is None else keep_versions,
            keep_days=settings.keep_days if keep_days is None else keep_days,
        )
        if not dry_run:
            session.commit()
    if as_json:
        print_json(asdict(pruned) | {"dry_run": dry_run})
    else:
        verb = "would be removed" if dry_run else "removed"
        say(f"{verb}: {pruned.predictors:,} predictor versions, {pruned.jobs:,} jobs")
