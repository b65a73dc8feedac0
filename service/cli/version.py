"""`archcast version`."""

import typer


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed_version

    typer.echo(installed_version("archcast"))
