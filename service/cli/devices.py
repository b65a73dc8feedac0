"""`archcast devices`: list them, register one."""

from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_answer, print_table, say

app = typer.Typer(invoke_without_command=True, help="List devices, or register one with `devices add`.")


@app.callback()
def list_devices(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all devices with the number of measured architectures by space."""
    if context.invoked_subcommand is not None:
        return
    from service.cli.workspace import open_workspace
    from service.use_cases.describe_devices import list_devices

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        answer = list_devices(session, workspace.spaces(session))
    if as_json:
        print_answer(answer)
        return
    rows = [
        (device.name, device.kind, ", ".join(f"{space} {count:,}" for space, count in device.samples.items()))
        for device in answer.devices
    ]
    print_table(("device", "kind", "samples"), rows)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Letters, digits and . _ + -")],
    description: Annotated[str, typer.Option("--description", help="For people.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Register a device; its timings come by `archcast upload`."""
    from service.cli.requests import build
    from service.cli.workspace import open_workspace
    from service.schemas.devices import NewDevice
    from service.use_cases.register_device import register_device

    request = build(NewDevice, name=name, description=description)
    with open_workspace(data_dir) as workspace, workspace.sessions.begin() as session:
        answer = register_device(session, request)
    if as_json:
        print_answer(answer)
    else:
        say(f"{answer.name} is registered")
