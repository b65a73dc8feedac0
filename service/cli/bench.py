"""`archcast bench`: published protocols on measured data, with this product's predictors and with baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Published protocols on measured data, for predictors and baselines.")

DataFolder = Annotated[
    Path, typer.Option("--data", exists=True, file_okay=False, help="Folder with help/, eagle/, accuracy/, zero_cost/.")
]
AsJsonLines = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
DEFAULT_DATA = Path("../shared/data")
# As the registries of `service.benchmarks`, which need the server's packages; a test holds them together.
_BASELINES = ("one_hot_ridge", "gradient_boosting", "gaussian_process")
_NASFLAT_ENCODINGS = ("cost", "arch2vec", "cate", "zcp", "caz")
_LATENCY_PREDICTORS = (
    "auto",
    "cost_linear",
    "cost_linear_alone",
    "graph_linear",
    "nasflat",
    *(f"nasflat_{encoding}" for encoding in _NASFLAT_ENCODINGS),
    "nasflat_fine_tuned",
    *(f"nasflat_fine_tuned_{encoding}" for encoding in _NASFLAT_ENCODINGS),
    "flops",
    *_BASELINES,
)
_PROXIES = ("epe_nas", "fisher", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain", "snip")
_ACCURACY_PREDICTORS = (
    "flan",
    *(f"flan_{encoding}" for encoding in ("cost", "arch2vec", "cate", "zcp", "all", "transfer")),
    "accuracy_ensemble",
    *(f"ensemble_without_{part}" for part in ("training", "transfer", "proxies", "both")),
    "expected_untrained",
    "transfer_untrained",
    "cost_linear",
    "zcp_ridge",
    "zcp_gaussian_process",
    *_BASELINES,
    "flops",
    *(f"proxy_{proxy}" for proxy in (*_PROXIES, "synflow", "zen")),
)
_SAMPLERS = ("cosine", "d_optimal", "farthest_point", "k_means", "params", "random", "d_optimal_sources")
# Keys of the JSON rows, and columns of the table.
_KEYS = (
    "task",
    "predictor",
    "sampler",
    "samples",
    "seeds",
    "spearman",
    "kendall",
    "mape",
    "coverage90",
    "adapt_seconds",
    "spearman_std",
    "ceiling_ratio",
    "median_ape",
    "mae_ms",
    "within5",
    "within10",
    "coverage50",
    "coverage80",
)
_COLUMNS = (
    *("task", "predictor", "sampler", "samples", "seeds", "spearman", "ceiling_ratio", "kendall", "mape"),
    *("within5", "within10", "coverage50", "coverage80", "coverage90", "adapt_seconds"),
)


@app.command("nasflat-tasks")
def nasflat_tasks(
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help="ND N1 .. N4 NA FD F1 .. F4 FA; repeatable. [default: all]")
    ] = None,
    predictors: Annotated[
        list[str] | None,
        typer.Option(
            "--predictor",
            help=f"{', '.join(_LATENCY_PREDICTORS)}; repeatable. [default: auto]",
        ),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option("--sampler", help=f"{', '.join(_SAMPLERS)}."),
    ] = "d_optimal",
    samples: Annotated[
        str, typer.Option("--samples", help="Architectures timed on each target device; several joined by commas.")
    ] = "20",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Repetitions.")] = 3,
    splits: Annotated[
        Path | None,
        typer.Option("--splits", exists=True, dir_okay=False, help="JSON of source and timed architectures by seed."),
    ] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: AsJsonLines = False,
) -> None:
    """Adapt to each target device of NASFLAT's tasks and score every architecture that was not timed."""
    from predictors import MIN_SAMPLES
    from service.benchmarks.latency_splits import Splits
    from service.benchmarks.latency_tables import read_tables
    from service.benchmarks.latency_tasks import PREDICTOR_NAMES, SAMPLER_NAMES, open_bench, run_task
    from service.benchmarks.tasks import TASKS
    from service.cli.output import print_table, say

    names = _known("task", tasks or list(TASKS), TASKS)
    wanted = _known("predictor", predictors or ["auto"], PREDICTOR_NAMES)
    _known("sampler", [sampler], SAMPLER_NAMES)
    counts = _numbers("--samples", samples, MIN_SAMPLES)
    given = Splits.read(splits) if splits else None
    tables = read_tables(data)
    rows: list[dict[str, Any]] = []
    for name in names:
        bench = open_bench(TASKS[name], tables, data, wanted)
        found = run_task(bench, wanted, [sampler], counts, seeds, say, given)
        rows += found
        if as_json:
            for row in found:
                typer.echo(json.dumps({key: row[key] for key in _KEYS}))
    if not as_json:
        print_table(_COLUMNS, [[_shown(row[key]) for key in _COLUMNS] for row in rows])


@app.command("flan")
def flan(
    space: Annotated[str, typer.Option("--space", help="Search space with accuracies; nb201.")] = "nb201",
    train: Annotated[str, typer.Option("--train", help="Numbers of training architectures.")] = "8,40,78",
    predictors: Annotated[
        list[str] | None,
        typer.Option(
            "--predictor",
            help=f"{', '.join(_ACCURACY_PREDICTORS)}; repeatable. [default: all]",
        ),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(
            "--splits",
            exists=True,
            dir_okay=False,
            help="JSON of train and test indices by number and seed. [default: random ones]",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Splits of each number.")] = 3,
    data: DataFolder = DEFAULT_DATA,
    as_json: AsJsonLines = False,
) -> None:
    """Kendall's tau between predicted and true accuracy of architectures that were not trained on."""
    from service.benchmarks.accuracy_contestants import CONTESTANTS, run_size
    from service.benchmarks.accuracy_splits import AccuracyBench, read_splits
    from service.cli.failures import CommandError
    from service.cli.output import print_table, say

    if space != "nb201":
        raise CommandError(f"there are no accuracies of {space} to train on; use --space nb201")
    sizes = _numbers("--train", train, 1)
    wanted = _known("predictor", predictors or list(CONTESTANTS), CONTESTANTS)
    bench = AccuracyBench.read(data)
    rows: list[dict[str, Any]] = []
    for size in sizes:
        chosen = read_splits(splits, size, seeds) if splits else bench.random_splits(size, seeds)
        for name in wanted:
            say(f"{name}, {size} architectures")
            rows.append(run_size(bench, name, size, chosen))
            if as_json:
                typer.echo(json.dumps(rows[-1]))
    if not as_json:
        print_table(tuple(rows[0]), [[_shown(value) for value in row.values()] for row in rows])


def _known(what: str, wanted: list[str], allowed: Any) -> list[str]:
    for name in wanted:
        if name not in allowed:
            raise typer.BadParameter(f"unknown {what} {name!r}; there are {', '.join(allowed)}")
    return wanted


def _numbers(option: str, text: str, least: int) -> list[int]:
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{option} wants numbers joined by commas, got {text!r}") from error
    if min(numbers) < least:
        raise typer.BadParameter(f"{option} wants at least {least}, got {text!r}")
    return numbers


def _shown(value: Any) -> Any:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else value
