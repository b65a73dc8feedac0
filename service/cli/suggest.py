"""`archcast suggest`: which architectures to time on a new device."""

from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir, DeviceOption, SpaceOption
from service.cli.output import print_answer


def suggest(
    device: DeviceOption,
    space: SpaceOption,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How many.")] = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The architectures that tell most about a device, one a line: time these and upload the timings."""
    from service.cli.workspace import open_workspace
    from service.use_cases.suggest_architectures import suggest_architectures

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        answer = suggest_architectures(session, workspace.spaces(session), device, space, count)
    if as_json:
        print_answer(answer)
        return
    for architecture in answer.architectures:
        typer.echo(architecture)
