"""`archcast search`: the Pareto front on a device."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import AsJson, DataDir, DeviceOption, Interval, SpaceOption
from service.cli.output import print_answer, print_table, say
from service.cli.precision import by_group
from service.cli.progress import progress

if TYPE_CHECKING:
    from service.schemas.searches import SearchAnswer

# The search runs in this process, without a job in the database.
_JOB_ID = ""
_ACCURACY_BOUNDS = ("accuracy_lower", "accuracy_upper")
_ACCURACY_SOURCES = {
    "fitted": "accuracy on {dataset} is predicted from {known:,} known ones",
    "pretrained": "accuracy on {dataset} is predicted by a network that comes with archcast; {known:,} are known",
    "zero_cost": "accuracy is a zero-cost score in {unit} from the space's median, not in %; proxies of {known:,} "
    "architectures are known, of which this search computed {proxies[computed]:,}, and {predicted:,} were predicted",
    "log10_macs": "accuracy is a proxy (log10_macs); `archcast accuracies add` brings measured ones",
}


def search(
    space: SpaceOption,
    device: DeviceOption,
    objectives: Annotated[
        list[str] | None,
        typer.Option("--objective", help="Metric to optimise; may be repeated. [default: accuracy, latency_ms]"),
    ] = None,
    maxima: Annotated[
        list[str] | None, typer.Option("--max", metavar="METRIC=VALUE", help="Upper limit; may be repeated.")
    ] = None,
    minima: Annotated[
        list[str] | None, typer.Option("--min", metavar="METRIC=VALUE", help="Lower limit; may be repeated.")
    ] = None,
    evaluations: Annotated[int | None, typer.Option("--evaluations", min=1, help="Budget in architectures.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.0, help="Budget in time.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same front, unless --seconds ends it.")] = 0,
    algorithm: Annotated[
        str, typer.Option("--algorithm", help="`auto` scores everything where the space allows.")
    ] = "auto",
    after: Annotated[
        str | None, typer.Option("--after", metavar="JOB", help="Start from the front of an earlier search.")
    ] = None,
    from_samples: Annotated[
        bool, typer.Option("--from-samples", help="Start from the architectures measured on the device.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how sure each place on the front is; --json: what was given up too.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the front into a file, .svg or .png.")
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Of the accuracies.")] = None,
    accuracy_source: Annotated[
        str, typer.Option("--accuracy-source", help="auto, table, fitted, pretrained, zero_cost or log10_macs.")
    ] = "auto",
    precision: Annotated[
        list[str] | None,
        typer.Option(
            "--precision",
            metavar="[GROUP.]KEY=V1,V2",
            help="Choose weight_bits, activation_bits, weight_format; of a group of layers, as in head.weight_bits=8.",
        ),
    ] = None,
    hardware: Annotated[
        list[str] | None,
        typer.Option("--hardware", metavar="KEY=V1,V2", help="Choose a key of the simulated device's hardware too."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="DEVICE", help="Another device at once: latency_ms@DEVICE; may be repeated."),
    ] = None,
    probability: Annotated[
        float | None,
        typer.Option("--probability", min=0.5, max=1.0, help="With which a latency keeps its --max, not on average."),
    ] = None,
    interval: Interval = 0.9,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find the architectures that no other one beats in all objectives, within the limits."""
    if plot is not None and plot.suffix not in (".svg", ".png"):
        raise typer.BadParameter(f"{plot} must end in .svg or .png", param_hint="--plot")
    limits: dict[str, dict[str, float]] = {}
    for bound, given in (("max", maxima), ("min", minima)):
        for metric, value in map(_parse_limit, given or []):
            limits.setdefault(metric, {})[bound] = value
    for metric, limit in limits.items():
        if probability is not None and metric.startswith("latency_ms"):
            limit["probability"] = probability

    from service.cli.requests import build
    from service.cli.workspace import open_workspace
    from service.schemas.searches import SearchRequest
    from service.use_cases.check_search import check_search
    from service.use_cases.run_search import run_search

    request = build(
        SearchRequest,
        space=space,
        device=device,
        devices=also or [],
        **({"objectives": objectives} if objectives else {}),
        constraints=limits,
        budget={"evaluations": evaluations, "seconds": seconds},
        seed=seed,
        algorithm=algorithm,
        dataset=dataset,
        accuracy_source=accuracy_source,
        explain=explain,
        warm_start={"job": after, "samples": from_samples} if after or from_samples else None,
        interval=interval,
        precision=by_group(dict(_parse_candidates(each) for each in precision or [])),
        hardware=dict(_parse_candidates(each) for each in hardware or []),
    )
    with open_workspace(data_dir) as workspace:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
            check_search(session, spaces, workspace.predictors, workspace.settings, request)
        shown = progress("zero-cost proxies") if accuracy_source == "zero_cost" else nullcontext()
        with shown as on_progress:
            answer = run_search(
                workspace.read_sessions,
                spaces,
                workspace.predictors,
                workspace.settings,
                request,
                job_id=_JOB_ID,
                stores=workspace.sessions,
                on_preparation=on_progress,
            )
    if plot is not None:
        _draw(answer, request.objectives, plot)
    if as_json:
        print_answer(answer)
    else:
        _print_front(answer)


def _parse_limit(text: str) -> tuple[str, float]:
    metric, equals, value = text.partition("=")
    try:
        if metric and equals:
            return metric, float(value)
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not METRIC=VALUE, for example latency_ms=12")


def _parse_candidates(text: str) -> tuple[str, list[object]]:
    key, equals, values = text.partition("=")
    if not key or not equals:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE,VALUE, for example rows=16,32")
    import yaml

    return key, [yaml.safe_load(value) for value in values.split(",")]


def _draw(answer: SearchAnswer, objectives: Sequence[str], path: Path) -> None:
    from service.front_plot import plot_front

    front = [entry.model_dump() for entry in answer.front]
    path.write_bytes(plot_front(front, objectives, f"{answer.space} on {answer.device}", path.suffix[1:]))


def _print_front(answer: SearchAnswer) -> None:
    hidden = {"devices", "exchanges"}
    if answer.accuracy is not None and answer.accuracy.source == "table":
        hidden |= {*_ACCURACY_BOUNDS}
    members = [name for name in (answer.front[0].model_extra or {}) if name not in hidden] if answer.front else []
    rows = [
        (entry.architecture, *((entry.model_extra or {})[name] for name in members), entry.lower_ms, entry.upper_ms)
        for entry in answer.front
    ]
    print_table(("architecture", *members, "lower_ms", "upper_ms"), rows)
    extent = "the whole space" if answer.complete else f"{answer.evaluations:,} architectures"
    shown = f"{len(rows):,} of {answer.front_size:,}" if answer.front_size != len(rows) else f"{len(rows)}"
    say(f"{shown} on the front of {extent} ({answer.algorithm}, {answer.seconds:.1f} s)")
    for warning in answer.warnings:
        say(f"warning: {warning}")
    if answer.accuracy is not None and answer.accuracy.source != "table":
        say(_ACCURACY_SOURCES[answer.accuracy.source].format_map(answer.accuracy.model_dump()))
