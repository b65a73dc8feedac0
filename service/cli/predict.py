"""`archcast predict`: the latency of architectures on a device."""

from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir, DeviceOption, Interval, SpaceOption
from service.cli.output import print_answer, print_table


def predict(
    space: SpaceOption,
    device: DeviceOption,
    architectures: Annotated[
        list[str], typer.Argument(metavar="ARCH...", help="Any notation of the space; `-` reads one a line from stdin.")
    ],
    interval: Interval = 0.9,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Latency of architectures on a device in ms, with bounds and with where each number comes from."""
    from service.cli.requests import build
    from service.cli.workspace import open_workspace
    from service.schemas.predictions import PredictionRequest
    from service.use_cases.predict_latency import predict_latency

    request = build(
        PredictionRequest, space=space, device=device, architectures=_expanded(architectures), interval=interval
    )
    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        answer = predict_latency(session, workspace.spaces(session), workspace.predictors, request)
    if as_json:
        print_answer(answer)
        return
    rows = [(row.architecture, row.latency_ms, row.lower_ms, row.upper_ms, row.origin) for row in answer.results]
    print_table(("architecture", "latency_ms", "lower_ms", "upper_ms", "origin"), rows)


def _expanded(architectures: list[str]) -> list[str]:
    """The arguments, `-` replaced by the lines of stdin."""
    if "-" not in architectures:
        return architectures
    lines = [line.strip() for line in typer.get_text_stream("stdin")]
    return [
        one
        for argument in architectures
        for one in ([line for line in lines if line] if argument == "-" else [argument])
    ]
