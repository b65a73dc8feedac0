"""`archcast models`: list the networks that were uploaded as ONNX, add one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_answer, print_json, print_table, say
from service.cli.remote import ApiKeyOption, Server, ServerOption

app = typer.Typer(invoke_without_command=True, help="List uploaded networks, or add one with `models add`.")

_SHOWN = ("architecture", "name", "macs", "params")
_LAYER = ("name", "kind", "macs", "params", "bytes_moved")
_PAGE = 1000


@app.callback()
def list_models(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the networks in the order of their arrival."""
    if context.invoked_subcommand is not None:
        return
    from service.cli.workspace import open_workspace
    from service.use_cases.describe_models import list_models

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        answer = list_models(session, _PAGE)
    if as_json:
        print_answer(answer)
        return
    print_table(_SHOWN, [[getattr(model, name) for name in _SHOWN] for model in answer.models])
    if answer.next is not None:
        say(f"the first {_PAGE:,}; GET /models?after={answer.next} has the next ones")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="ONNX file with its weights inside.")],
    bind: Annotated[
        list[str] | None, typer.Option("--bind", help="NAME=NUMBER for a dynamic dimension, batch=1; repeatable.")
    ] = None,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Read a network: print its layers and the hash that stands for it in the space onnx."""
    if server is not None:
        answer = send_model(Server(server, api_key), file, bind or [])
    else:
        answer = _store(file, bind or [], data_dir)
    if as_json:
        print_json(answer)
        return
    print_table(_LAYER, [[layer[name] for name in _LAYER] for layer in answer["layers"]])
    say(f"{answer['name']}: {answer['macs'] / 1e6:,.1f} million MACs, {answer['params'] / 1e6:,.2f} million parameters")
    for one in answer["unsupported"]:
        say(f"not understood: {one['op']} ({one['count']}); {one['reason']}")
    typer.echo(answer["architecture"])


def send_model(server: Server, file: Path, bind: list[str]) -> dict[str, Any]:
    """Upload over HTTP: needs the base install only."""
    return server.post_file("/models", {"bind": bind}, file, {"Content-Type": "application/octet-stream"})


def _store(file: Path, bind: list[str], data_dir: Path | None) -> dict[str, Any]:
    """Add to the database at hand."""
    from service.cli.workspace import open_workspace
    from service.use_cases.add_model import add_model

    with open_workspace(data_dir) as workspace:
        answer, _ = add_model(workspace.sessions, workspace.settings, file.read_bytes(), bind, "cli")
    return answer.model_dump(mode="json")
