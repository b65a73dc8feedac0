"""`archcast measure`: time networks with ONNX Runtime on this machine and hand the timings to a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final, Literal

import typer

from service.cli.failures import CommandError
from service.cli.models import send_model
from service.cli.options import DeviceOption
from service.cli.output import print_json, print_table, say
from service.cli.remote import ApiKeyOption, Server, ServerOption
from service.onnx_timing import (
    Network,
    Timed,
    TimingError,
    changes,
    drift,
    least_disturbed,
    measurement_row,
    relative_errors,
    relative_half_width,
    time_content,
    time_networks,
)

_CLOSE: Final = 0.1
_DESCRIPTION: Final = "timed with ONNX Runtime by archcast measure"


def measure(
    device: DeviceOption,
    architectures: Annotated[
        list[str] | None, typer.Argument(metavar="[ARCH]...", help="Architectures of --space to time.")
    ] = None,
    space: Annotated[str, typer.Option("--space", help="Search space of what is timed.")] = "nb201",
    suggest: Annotated[
        int | None, typer.Option("--suggest", min=1, max=200, help="Time what the server suggests, so many.")
    ] = None,
    random: Annotated[
        int | None, typer.Option("--random", min=1, help="Time so many random architectures of the space.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random architectures.")] = 0,
    models: Annotated[
        list[Path] | None,
        typer.Option("--models", exists=True, dir_okay=False, help="Time an ONNX file, which is uploaded; repeatable."),
    ] = None,
    bind: Annotated[
        list[str] | None, typer.Option("--bind", help="NAME=NUMBER for a dynamic dimension of --models; repeatable.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Of one operation.")] = 1,
    precision: Annotated[Literal["fp32", "int8"], typer.Option("--precision", help="int8 is quantised here.")] = "fp32",
    half_width: Annotated[
        float,
        typer.Option("--interval", min=0.001, max=0.5, help="Half width of the median's 95 % interval, as a share."),
    ] = 0.01,
    max_s: Annotated[float, typer.Option("--seconds", min=0.1, max=3600, help="Most time for one network.")] = 5.0,
    passes: Annotated[
        int,
        typer.Option(
            "--passes", min=1, max=20, help="Time all so often and keep each one's fastest, for busy machines."
        ),
    ] = 1,
    max_drift: Annotated[
        float,
        typer.Option(
            "--max-drift",
            min=0.0,
            help="Accepted change of the first network's latency, or of a typical one's between its fastest passes.",
        ),
    ] = 0.05,
    force: Annotated[bool, typer.Option("--force", help="Upload though the timings are not steady.")] = False,
    register: Annotated[bool, typer.Option("--register", help="Register the device if the server has none.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Time, compare and report; upload nothing.")] = False,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", dir_okay=False, help="File that keeps each timing; a second call goes on from it."),
    ] = None,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> None:
    """Time networks here with ONNX Runtime, compare with the predictor, upload, and let the predictor adapt."""
    if find_spec("onnxruntime") is None:
        raise CommandError("measuring needs ONNX Runtime: pip install 'archcast[measure]'")
    if server is None:
        raise CommandError("name the server that knows the device: --server URL, or ARCHCAST_SERVER")
    if sum(bool(one) for one in (architectures, suggest, random, models)) != 1:
        raise CommandError("say what to time: architectures, --suggest N, --random N or --models FILE")
    remote = Server(server, api_key)
    if register:
        _register(remote, device)
    settings: dict[str, Any] = {
        "threads": threads,
        "precision": precision,
        "half_width": half_width,
        "max_s": max_s,
    }
    if models:
        settings["dimensions"] = _dimensions(bind or [])
        networks = [_uploaded(remote, file, bind or []) for file in models]
    else:
        keys = architectures or (
            _suggested(remote, device, space, suggest) if suggest else _random(space, random, seed)
        )
        networks = [_stored(remote, space, key) for key in keys]
    runs = list(_report_each(time_networks(networks, settings, journal, passes), passes * len(networks)))
    timed = least_disturbed(runs)
    report = {**_judge(remote, device, timed, networks, settings, changes(runs)), "passes": passes}
    _warn(report, max_drift)
    is_steady = max(report["drift"], report["half_width"]) <= max_drift
    accepted = force or is_steady
    if accepted and not dry_run:
        report["upload"] = _upload(remote, device, timed)
    if as_json:
        print_json({**report, "timings": [_entry(one) for one in timed]})
    else:
        _print(report, timed)
    if not accepted:
        raise CommandError(
            f"nothing was uploaded: above --max-drift {max_drift:.1%} is the change of {_whose(report)} latency "
            f"({report['drift']:.1%}) or the half width of a typical interval ({report['half_width']:.1%}); time again "
            "on an idle machine, or --force"
        )


def _register(server: Server, device: str) -> None:
    known = {one["name"] for one in server.get("/devices")["devices"]}
    if device not in known:
        server.post_json("/devices", {"name": device, "kind": "onnx", "description": _DESCRIPTION})
        say(f"{device} is registered")


def _suggested(server: Server, device: str, space: str, count: int | None) -> list[str]:
    return server.get(f"/devices/{device}/suggestions", {"space": space, "count": count})["architectures"]


def _random(space: str, count: int | None, seed: int) -> list[str]:
    import numpy as np

    from spaces import get_space

    return [one.key for one in get_space(space).sample(count or 0, rng=np.random.default_rng(seed))]


def _stored(server: Server, space: str, architecture: str) -> Network:
    """A network whose file the server writes."""
    query = {"architecture": architecture}
    return Network(space, architecture, lambda: server.download(f"/spaces/{space}/onnx", query))


def _uploaded(server: Server, file: Path, bind: list[str]) -> Network:
    """A file of one's own, which the server keeps the layers of."""
    return Network("onnx", send_model(server, file, bind)["architecture"], file.read_bytes)


def _dimensions(bind: list[str]) -> dict[str, int]:
    pairs = [one.rpartition("=") for one in bind]
    return {name: int(number) for name, _, number in pairs if number.isdigit()}


def _report_each(timed: Iterator[Timed], count: int) -> Iterator[Timed]:
    try:
        for number, one in enumerate(timed, start=1):
            interval = f"{one.timing['lower_ms']:.4g} to {one.timing['upper_ms']:.4g}"
            say(
                f"{number}/{count}  {one.latency_ms:.4g} ms ({interval}, {one.timing['runs']} runs)  {one.architecture}"
            )
            yield one
    except TimingError as error:
        raise CommandError(str(error)) from error


def _judge(
    server: Server,
    device: str,
    timed: list[Timed],
    networks: list[Network],
    settings: dict[str, Any],
    repeated: list[float],
) -> dict[str, Any]:
    """The first network timed once more, and what the server's predictor of before says of all.

    Args: repeated: changes between passes, which say more of the machine than the first network does.
    """
    again = time_content(networks[0].read(), {**settings, "profiled_runs": 0})
    predicted = _predictions(server, device, timed)
    errors = relative_errors(predicted, timed)
    return {
        "device": device,
        "networks": len(timed),
        "settled": sum(bool(one.timing["is_settled"]) for one in timed),
        "drift": median(repeated or [drift(timed[0].latency_ms, float(again["median_ms"]))]),
        "half_width": median(relative_half_width(one) for one in timed),
        "machine": again["machine"],
        "predicted": len(errors),
        "error_mean": sum(errors) / len(errors) if errors else None,
        "error_median": median(errors) if errors else None,
        "within_10_percent": sum(error <= _CLOSE for error in errors) / len(errors) if errors else None,
    }


def _predictions(server: Server, device: str, timed: list[Timed]) -> dict[str, float]:
    """Latency by architecture of those that the device was not measured with; none where it cannot predict yet."""
    body = {
        "space": timed[0].space,
        "device": device,
        "architectures": [one.architecture for one in timed],
    }
    try:
        results = server.post_json("/predict_latency", body)["results"]
    except CommandError as error:
        say(f"no predictions to compare with yet: {error}")
        return {}
    return {one["architecture"]: one["latency_ms"] for one in results if one["origin"] == "predicted"}


def _warn(report: dict[str, Any], max_drift: float) -> None:
    load, cores = report["machine"]["load_1min"], report["machine"]["cores"]
    if load is not None and cores and load > cores:
        say(f"this machine is busy ({load:.1f} processes on {cores} cores): its timings scatter")
    if report["settled"] < report["networks"]:
        say(f"{report['networks'] - report['settled']} networks ended before their interval was as narrow as asked")
    if report["drift"] > max_drift:
        say(f"{_whose(report)} latency changed by {report['drift']:.1%}")


def _whose(report: dict[str, Any]) -> str:
    """Whose latency `drift` is of."""
    return "the first network's" if report["passes"] == 1 else "a typical network's"


def _upload(server: Server, device: str, timed: list[Timed]) -> dict[str, Any]:
    rows = "".join(json.dumps(measurement_row(device, one)) + "\n" for one in timed)
    return server.post("/admin/measurements", None, rows.encode(), "application/x-ndjson")


def _entry(one: Timed) -> dict[str, Any]:
    return {"space": one.space, "architecture": one.architecture, **one.timing}


def _print(report: dict[str, Any], timed: list[Timed]) -> None:
    names = ("architecture", "latency_ms", "lower_ms", "upper_ms", "runs")
    rows = [
        (one.architecture, one.latency_ms, one.timing["lower_ms"], one.timing["upper_ms"], one.timing["runs"])
        for one in timed
    ]
    print_table(names, rows)
    if report["predicted"]:
        say(
            f"the predictor was {report['error_mean']:.1%} off on average ({report['error_median']:.1%} median), "
            f"{report['within_10_percent']:.0%} of {report['predicted']} within 10 %"
        )
    if "upload" in report:
        counts = ", ".join(f"{report['upload'][name]} {name}" for name in ("inserted", "updated", "unchanged"))
        say(f"uploaded: {counts}; batch {report['upload']['batch']}")
        for one in report["upload"]["predictors"]:
            say("predictor of {device} in {space}: {name} version {version}, {samples} samples".format_map(one))
