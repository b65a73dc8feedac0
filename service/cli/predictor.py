"""`archcast predictor`: what a device's predictor rests on, its errors, and what to measure next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import AsJson, DataDir, Interval, SpaceOption
from service.cli.output import print_answer, print_table, say

if TYPE_CHECKING:
    from service.schemas.device_predictors import DevicePredictor


def predictor(
    device: Annotated[str, typer.Argument(help="Name of a registered device.")],
    space: SpaceOption,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Default: the one in use.")] = None,
    next_count: Annotated[int, typer.Option("--next", min=0, max=50, help="Suggestions of what to measure.")] = 5,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Samples to skip.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=0, max=1000, help="Samples to list.")] = 100,
    interval: Interval = 0.9,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Samples with left-out predictions, errors, coverage, the candidates' evidence and what to measure next."""
    from service.cli.workspace import open_workspace
    from service.use_cases.describe_predictor import PredictorQuery, describe_predictor

    query = PredictorQuery(version, next_count, offset, limit, interval)
    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        answer = describe_predictor(session, workspace.spaces(session), workspace.predictors, device, space, query)
    if as_json:
        print_answer(answer)
    else:
        _print(answer)


def _print(answer: DevicePredictor) -> None:
    told = answer.predictor
    say(f"{told.name} version {told.version} of {answer.device} in {answer.space}, {told.samples:,} samples")
    if told.pretrained_on_this_device:
        say("its network was trained on published timings of a device of this name: these errors flatter it")
    for candidate in told.candidates:
        verdict = candidate.reason or f"log density {candidate.log_density:.4g} of a left-out sample per ms"
        if candidate.pretrained_on_this_device:
            verdict += ", flattered: trained on published timings of a device of this name"
        say(f"candidate {candidate.name}: {verdict}")
    if answer.errors is not None:
        rows = [
            (name, value)
            for name, value in answer.errors.model_dump().items()
            if name not in ("samples", "coverage_percent")
        ]
        rows += [(f"coverage_of_{level}_percent", value) for level, value in answer.errors.coverage_percent.items()]
        print_table(("left out", "value"), rows)
        typer.echo()
    if answer.samples.items:
        header = ("architecture", "latency_ms", "left_out_ms", "lower_ms", "upper_ms")
        rows = [tuple(getattr(sample, name) for name in header) for sample in answer.samples.items]
        print_table(header, [tuple("" if value is None else value for value in row) for row in rows])
        typer.echo()
    if answer.samples.missing:
        say(answer.samples.missing)
    if answer.next:
        header = ("measure next", "latency_ms", "lower_ms", "upper_ms")
        print_table(header, [(one.architecture, one.latency_ms, one.lower_ms, one.upper_ms) for one in answer.next])
