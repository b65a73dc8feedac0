"""`archcast encode`: architectures as vectors, into a Parquet file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.options import AsJson, DataDir, SpaceOption
from service.cli.output import print_answer, say


def encode(
    space: SpaceOption,
    encodings: Annotated[list[str], typer.Option("--encoding", help="Name of an encoding; repeatable.")],
    architectures: Annotated[
        list[str] | None, typer.Argument(metavar="[ARCH]...", help="Any notation; none means the whole space.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", dir_okay=False, help="Parquet file: a list column per encoding.")
    ] = None,
    proxies: Annotated[
        Literal["computed", "published"],
        typer.Option("--proxies", help="Where zcp takes its values from; published ones come by import zero-cost."),
    ] = "computed",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Encode architectures: a row each, to a Parquet file, or with --json as the HTTP API answers."""
    from service.cli.failures import CommandError
    from service.cli.requests import build
    from service.cli.workspace import open_workspace
    from service.proxy_sources import encoders_of
    from service.schemas.encodings import EncodingRequest
    from service.use_cases.encode_architectures import encode_architectures
    from service.use_cases.export_encodings import export_encodings

    if as_json == (output is not None):
        raise CommandError("give either --output FILE or --json")
    if as_json and not architectures:
        raise CommandError("name the architectures: a whole space goes to a file, --output FILE")
    with open_workspace(data_dir) as workspace:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        encoders = encoders_of(workspace.sessions, workspace.settings.max_uncached_proxies, proxies)
        if output is None:
            request = build(
                EncodingRequest, space=space, architectures=architectures, encodings=encodings, proxies=proxies
            )
            print_answer(encode_architectures(spaces, encoders, request))
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        count = export_encodings(spaces, encoders, space, architectures or None, encodings, output)
    say(f"{count:,} architectures in {output}")
