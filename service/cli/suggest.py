"""`archcast suggest`: which architectures to time on a new device."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir, DeviceOption, SpaceOption
from service.cli.output import print_answer


def suggest(
    device: DeviceOption,
    space: SpaceOption,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How many.")] = 20,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", dir_okay=False, help="Write their ONNX files into this ZIP archive.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The architectures that tell most about a device, one a line: time these and upload the timings."""
    from service.cli.workspace import open_workspace
    from service.use_cases.bundle_suggestions import bundle_suggestions
    from service.use_cases.suggest_architectures import suggest_architectures

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        spaces = workspace.spaces(session)
        answer = suggest_architectures(session, spaces, device, space, count)
        if bundle is not None:
            # Beside its place first: a refused or interrupted archive leaves none that is half there.
            part = bundle.with_name(f"{bundle.name}.part")
            try:
                with part.open("wb") as file:
                    bundle_suggestions(session, spaces, answer, file)
                part.replace(bundle)
            finally:
                part.unlink(missing_ok=True)
    if as_json:
        print_answer(answer)
        return
    for architecture in answer.architectures:
        typer.echo(architecture)
