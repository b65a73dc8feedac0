"""The settings of a command: ARCHCAST_* variables, and the options that win over them."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from service.cli.failures import CommandError
from service.settings import Settings


def load_settings(data_dir: Path | None, **options: object) -> Settings:
    """Settings from ARCHCAST_* variables; what the command line gives (not None) wins.

    Raises: CommandError that names every variable at fault.
    """
    given = {name: value for name, value in {"data_dir": data_dir, **options}.items() if value is not None}
    try:
        return Settings.model_validate(given)  # reads the environment for what is not given
    except ValidationError as error:
        # `input` is left out of the reasons: it may be a database URL with its password.
        faults = [
            f"{'_'.join(('ARCHCAST', *map(str, fault['loc']))).upper()}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise CommandError("the configuration is invalid", faults) from error


def is_embedded(settings: Settings) -> bool:
    """Whether the database is the SQLite file of the data folder."""
    return not settings.database_url.get_secret_value()
