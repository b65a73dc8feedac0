"""`archcast keys`: API keys of the HTTP service."""

from enum import StrEnum
from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, print_table, say

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")


class Scope(StrEnum):
    """As `service.security.Scope`, which needs the server's packages; a test holds the two together."""

    PREDICT = "predict"
    SEARCH = "search"
    UPLOAD = "upload"
    ADMIN = "admin"


@app.command()
def create(
    scope: Annotated[list[Scope], typer.Option("--scope", help="What the key allows; may be repeated.")],
    name: Annotated[str, typer.Option("--name", help="Whose key it is, for lists and logs.")] = "cli",
    data_dir: DataDir = None,
) -> None:
    """Create a key and print it, alone, on stdout. It is shown once: only its hash is stored."""
    from device_db import ApiKeys
    from service.cli.workspace import open_workspace

    with open_workspace(data_dir) as workspace, workspace.sessions.begin() as session:
        key, secret = ApiKeys(session).create(name, [one.value for one in scope])
    say(f"key {key.id} of {name} for {', '.join(key.scopes)}")
    typer.echo(secret)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys, revoked ones too; never the secrets."""
    from device_db import ApiKeys
    from service.cli.workspace import open_workspace

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        keys = [
            {
                "id": key.id,
                "name": key.name,
                "scopes": list(key.scopes),
                "created_at": key.created_at.isoformat(),
                "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
            }
            for key in ApiKeys(session).list()
        ]
    if as_json:
        print_json({"keys": keys})
    else:
        rows = [
            (key["id"], key["name"], ",".join(key["scopes"]), key["created_at"], key["revoked_at"] or "")
            for key in keys
        ]
        print_table(("id", "name", "scopes", "created", "revoked"), rows)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `archcast keys list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Make a key useless from now on."""
    from device_db import ApiKeys
    from service.cli.workspace import open_workspace

    with open_workspace(data_dir) as workspace, workspace.sessions.begin() as session:
        key = ApiKeys(session).revoke(key_id)
    say(f"key {key.id} of {key.name} is revoked")
