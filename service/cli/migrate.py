"""`archcast migrate`: the database schema of this version, and the catalogue's devices."""

from typing import Annotated

import typer

from service.cli.options import DataDir


def migrate(
    data_dir: DataDir = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 unless the schema is up to date.")
    ] = False,
) -> None:
    """Bring the database to this version's schema and add the simulated devices; safe to repeat."""
    from service.cli.configuration import load_settings
    from service.cli.failures import CommandError
    from service.cli.output import say
    from service.cli.workspace import database_for_display, has_current_schema, migrate_database

    settings = load_settings(data_dir)
    where = database_for_display(settings)
    if not check:
        migrate_database(settings)
    elif not has_current_schema(settings):
        raise CommandError(f"{where} is not up to date; run: archcast migrate")
    say(f"{where} is up to date")
