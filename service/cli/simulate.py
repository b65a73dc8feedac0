"""`archcast simulate`: cycles, latency and energy of a workload on a target, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.options import DataDir
from service.cli.output import print_answer, print_table, say
from service.cli.precision import by_group

if TYPE_CHECKING:
    from service.schemas.simulation import SimulationAnswer

_FORMATS: Final = ("table", "csv", "json")
# By model, the columns that come first in a CSV file, as the published simulators' tables have them; the rest follows.
_LEADING: Final = {
    "bitmod": ("version", "model", "stage", "accelerator", "layer_kind", "count"),
    "bitvert": (
        *("model", "layer", "type", "k", "cin", "cout", "ih", "oh_or_tokens", "accelerator", "w_prec_eff"),
        *("fetch_w", "fetch_i", "w_bytes", "i_bytes", "o_bytes", "cycle_compute", "cycle_dram", "cycle_total"),
    ),
    "m4bram": (  # of the studies alone
        *("experiment", "network", "accel", "w_bits", "a_bits", "layer", "type", "dla_dims", "accel_dims"),
        *("dla_cycles", "accel_cycles"),
    ),
}
# Releases of BitMoD's simulator that the modes stand for.
_VERSIONS: Final = {"figures": "v1", "published": "v2"}
# Of the many columns of a table, those that people look at first.
_SHOWN: Final = (
    *("layer", "count", "form", "luts", "dsps", "memory_kilobits", "extrapolated"),
    *("cycle_compute", "cycle_dram", "cycle_total"),
    *("latency_ms", "e_total_uJ"),
)


def simulate(
    target: Annotated[str, typer.Argument(help="Name of a target, see `archcast targets`, or a YAML file of yours.")],
    space: Annotated[str | None, typer.Option("--space", help="Search space of --architecture.")] = None,
    architecture: Annotated[str | None, typer.Option("--architecture", help="Any notation of the space.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Language model, for example llama-2-7b.")] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", help="With --model: prefill, the default, reads a prompt; decode writes.")
    ] = None,
    context: Annotated[
        int | None, typer.Option("--context", help="With --model: tokens of the prompt, 256 by default.")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens", help="With --model: tokens that decode writes, 1 by default.")
    ] = None,
    layers: Annotated[
        Path | None, typer.Option("--layers", dir_okay=False, exists=True, help="CSV file with a row for each layer.")
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", help="Of the M4BRAM studies, for example resnet18.")
    ] = None,
    variant: Annotated[str | None, typer.Option("--variant", help="With --network: a design such as DP-M4S.")] = None,
    dsp_budget: Annotated[
        int | None, typer.Option("--dsp-budget", help="With --network; the authors' by default.")
    ] = None,
    bram_budget: Annotated[int | None, typer.Option("--bram-budget", help="With --network.")] = None,
    batch: Annotated[int, typer.Option("--batch", help="Samples or sequences per run.")] = 1,
    mode: Annotated[
        str | None, typer.Option("--mode", help="published, figures or refined; the target's own by default.")
    ] = None,
    weight_bits: Annotated[float | None, typer.Option("--weight-bits", "--w-bits", help="Native by default.")] = None,
    activation_bits: Annotated[float | None, typer.Option("--activation-bits", "--a-bits")] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            "--precision",
            metavar="[GROUP.]KEY=VALUE",
            help="weight_bits, activation_bits or weight_format; of a group of layers, as in head.weight_bits=8.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the hardware description; repeatable."),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Target that runs what this one cannot.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    data_dir: DataDir = None,
) -> None:
    """Compute what a workload costs on hardware that is described, not measured.

    The workload is --space and --architecture, or --model, or --layers, or --network.
    """
    if output_format not in _FORMATS:
        raise typer.BadParameter(f"{output_format!r} is none of {', '.join(_FORMATS)}", param_hint="--format")
    settings = dict(_parse_change(each, "--set") for each in changes or [])
    precisions = by_group(dict(_parse_change(each, "--precision") for each in precision or []))
    is_file = target.endswith((".yaml", ".yml"))

    from service.cli.layers_file import LayersFile
    from service.cli.requests import build
    from service.schemas.simulation import SimulationRequest
    from service.use_cases.simulate import simulate as run

    file = LayersFile.read(layers) if layers else None
    of_model = {"stage": stage, "context": context, "tokens": tokens}
    with file.faults() if file else nullcontext():
        request = build(
            SimulationRequest,
            target=None if is_file else target,
            hardware=_read_hardware(Path(target)) if is_file else None,
            set=settings,
            mode=mode,
            space=space,
            architecture=architecture,
            model=model,
            **{name: value for name, value in of_model.items() if value is not None},
            layers=file.rows if file else None,
            network=network,
            variant=variant,
            dsp_budget=dsp_budget,
            bram_budget=bram_budget,
            batch=batch,
            weight_bits=weight_bits,
            activation_bits=activation_bits,
            precision=precisions or None,
            host=host,
        )
        answer = run(_spaces(space, data_dir), request)
    if output_format == "json":
        print_answer(answer)
    elif output_format == "csv":
        _print_csv(answer)
    else:
        _print_summary(answer)


def _spaces(space: str | None, data_dir: Path | None) -> Any:
    """The spaces with their imported index orders, where an architecture has to be read."""
    if space is None:
        return {}
    from service.cli.workspace import open_workspace

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        return workspace.spaces(session)


def _parse_change(text: str, option: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE, for example clock_ghz=0.8", param_hint=option)
    import yaml

    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"the value of {key} is not YAML: {value!r}", param_hint=option) from error


def _read_hardware(path: Path) -> dict[str, object]:
    from targets import file_description

    return dict(file_description(path))


def _print_csv(answer: SimulationAnswer) -> None:
    """Every column of every row, under the names that the published simulators' tables have."""
    import csv
    import sys

    run: dict[str, bool | float | int | str] = {
        "model": answer.workload,
        "stage": answer.stage or "",
        "accelerator": answer.target,
    }
    rows = [run | row for row in answer.layers]
    if answer.model == "bitmod":  # whose rows are kinds of layers with a count
        version = _VERSIONS.get(answer.mode or "", answer.mode or "")
        rows = [{"version": version, "layer_kind": row["layer"], **row} for row in rows]
    columns = dict.fromkeys(key for row in rows for key in row)
    if answer.model == "bitmod":
        del columns["layer"]
    published = _LEADING.get(answer.model, ())
    leading = published if columns.keys() >= {*published} else ()
    names = dict.fromkeys([*leading, *columns])
    writer = csv.DictWriter(sys.stdout, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _print_summary(answer: SimulationAnswer) -> None:
    shown = [column for column in _SHOWN if any(column in row for row in answer.layers)]
    print_table(shown, [[row.get(column, "") for column in shown] for row in answer.layers])
    cycles = "" if answer.cycles_total is None else f", {answer.cycles_total:,.0f} cycles"
    energy = "".join(f", {answer.energy_uJ['total'] * 1e-3:.4g} mJ" if answer.energy_uJ else "")
    area = "" if answer.area_mm2 is None else f", {answer.area_mm2:.3g} mm2"
    mode = f", {answer.mode}" if answer.mode else ""
    stage = f" {answer.stage}" if answer.stage else ""
    say(f"{answer.workload}{stage} on {answer.target}: {answer.latency_ms:.4g} ms{cycles}{energy}{area}")
    if answer.resources:
        say("takes " + ", ".join(_resources(answer.resources)))
    for warning in answer.warnings:
        say(f"warning: {warning}")
    if answer.chosen:
        say("chosen: " + ", ".join(f"{key} {value:,.7g}" for key, value in answer.chosen.items()))
    say(f"model {answer.model}{mode}; {answer.weight_bits:g}-bit weights, {answer.activation_bits:g}-bit activations")


def _resources(resources: Mapping[str, float]) -> Iterator[str]:
    """Each with its interval, where it has one."""
    for name, value in resources.items():
        bounds = [resources[bound] for bound in (f"{name}_lower", f"{name}_upper") if bound in resources]
        interval = f" ({' to '.join(map(_rounded, bounds))})" if bounds else ""
        if not name.endswith(("_lower", "_upper")):
            yield f"{name} {_rounded(value)}{interval}"


def _rounded(value: float) -> str:
    """To four digits, or to whole ones."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
