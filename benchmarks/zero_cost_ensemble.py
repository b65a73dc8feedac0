"""How well zero-cost proxies, and ensembles of them, order networks: `python benchmarks/zero_cost_ensemble.py --write`.

Kendall's tau with accuracy in image classification, on published proxies: NAS-Bench-Suite-Zero's of NAS-Bench-201,
NASLib's of NAS-Bench-101, 301 and TransNAS-Bench-101. Networks whose input does not reach their output are left out.
The score of the product was chosen without NAS-Bench-201 (`--choose`); `from 64` knows the NWOT of so many alone.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from report import markdown_table, write_section
from scipy.stats import rankdata

from arch_encodings import has_path, live_macs
from arch_encodings.zcp import scale_proxies
from device_db.importers import accuracy as accuracy_tables
from device_db.importers import zero_cost
from predictors.metrics import kendall
from predictors.zero_cost_score import ENOUGH, PROXY, Deviations, fit_zero_cost_score
from service.benchmarks.source_accuracies import read_source_accuracies
from spaces import Architecture, get_space
from spaces.base import FloatArray

_DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
_TASKS: Final = (
    ("nb101", "cifar10"),
    ("nb301", "cifar10"),
    ("tnb101_micro", "class_scene"),
    ("tnb101_micro", "class_object"),
    ("tnb101_macro", "class_scene"),
    ("tnb101_macro", "class_object"),
)
_MACS: Final = "log10_live_macs"
_SINGLES: Final = (_MACS, "params", PROXY, "synflow", "jacov", "snip", "zen")
_ENSEMBLES: Final[Mapping[str, tuple[str, ...]]] = {
    "ranks of synflow, jacov, snip": ("synflow", "jacov", "snip"),
    "ranks of nwot, synflow, params": (PROXY, "synflow", "params"),
    "ranks of nwot, jacov, MACs": (PROXY, "jacov", _MACS),
}
_MOST_MEMBERS: Final = 4
_SCORE: Final = "score: nwot, MACs"


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Networks of one space with their accuracy (n,) on one task, and (n,) columns of which more is better."""

    space: str
    name: str
    architectures: list[Architecture]
    accuracy: FloatArray
    columns: Mapping[str, FloatArray]

    @classmethod
    def of(
        cls,
        space: str,
        name: str,
        architectures: Sequence[Architecture],
        accuracy: FloatArray,
        raw: Mapping[str, FloatArray],
    ) -> Task:
        """Without networks that nothing passes through."""
        rows = np.flatnonzero(has_path(get_space(space), architectures))
        alive = [architectures[row] for row in rows.tolist()]
        columns = {proxy: scale_proxies(np.asarray(values)[rows, None], [proxy])[:, 0] for proxy, values in raw.items()}
        columns[_MACS] = np.log10(live_macs(get_space(space), alive))
        return cls(space, name, alive, accuracy[rows], columns)


def main() -> None:
    """Prints the table and, with --write, puts it into docs/encodings.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--seeds", type=int, default=10, help="samples of 64 networks whose NWOT is known")
    parser.add_argument("--choose", action="store_true", help="print the best averages over the other spaces instead")
    parser.add_argument("--write", action="store_true", help="update docs/encodings.md")
    arguments = parser.parse_args()
    others = _other_tasks(arguments.data)
    if arguments.choose:
        choose([task for task in others if PROXY in task.columns])
        return
    tasks = [*others, *_nb201_tasks(arguments.data)]
    methods: dict[str, Callable[[Task], float | None]] = {name: _single(name) for name in _SINGLES}
    methods |= {name: _ranks(members) for name, members in _ENSEMBLES.items()}
    methods |= {_SCORE: _score, f"score from {ENOUGH}": lambda task: _from_few(task, arguments.seeds)}
    taus = {name: [method(task) for task in tasks] for name, method in methods.items()}
    header = [
        "",
        *(f"{task.space} {task.name} ({len(task.accuracy):,})" for task in tasks),
        "others with nwot",
        "nb201",
    ]
    is_nb201 = np.array([task.space == "nb201" for task in tasks])
    has_nwot = np.array([PROXY in task.columns for task in tasks])
    rows = []
    for name, values in taus.items():
        means = [_mean_over_spaces(values, tasks, part) for part in (has_nwot & ~is_nb201, is_nb201)]
        rows.append([name, *map(_told, values), *map(_told, means)])
    body = markdown_table(header, rows)
    print(body)
    if arguments.write:
        write_section("zero_cost_ensemble", body, page="encodings.md")


def choose(tasks: Sequence[Task]) -> None:
    """Prints the averages of up to four columns, on the scale of the score, that order the tasks best."""
    candidates = sorted(set.intersection(*(set(task.columns) for task in tasks)) - {"epe_nas"})
    everything = np.ones(len(tasks), dtype=bool)
    found: list[tuple[float, tuple[str, ...]]] = []
    for count in range(1, _MOST_MEMBERS + 1):
        for members in itertools.combinations(candidates, count):
            taus = [
                kendall(
                    np.sum([Deviations.of(task.columns[name])(task.columns[name]) for name in members], axis=0),
                    task.accuracy,
                )
                for task in tasks
            ]
            found.append((_mean_over_spaces(taus, tasks, everything) or 0.0, members))
    for tau, members in sorted(found, reverse=True)[:10]:
        print(f"{tau:.3f} {', '.join(members)}", flush=True)


def _mean_over_spaces(values: Sequence[float | None], tasks: Sequence[Task], part: np.ndarray) -> float | None:
    """Each space counts alike; None if one lacks the value."""
    by_space: dict[str, list[float | None]] = {}
    for value, task, is_in in zip(values, tasks, part.tolist(), strict=True):
        if is_in:
            by_space.setdefault(task.space, []).append(value)
    known = [[each for each in found if each is not None] for found in by_space.values()]
    return float(np.mean([np.mean(each) for each in known])) if all(known) else None


def _single(name: str) -> Callable[[Task], float | None]:
    return lambda task: kendall(task.columns[name], task.accuracy) if name in task.columns else None


def _ranks(members: Sequence[str]) -> Callable[[Task], float | None]:
    """The mean of ranks."""

    def measure(task: Task) -> float | None:
        if not all(name in task.columns for name in members):
            return None
        return kendall(np.mean([rankdata(task.columns[name]) for name in members], axis=0), task.accuracy)

    return measure


def _score(task: Task) -> float | None:
    if PROXY not in task.columns:
        return None
    nwot, space = task.columns[PROXY], get_space(task.space)
    fitted = fit_zero_cost_score(space, task.architectures, nwot)
    return kendall(fitted.score(task.architectures, nwot), task.accuracy)


def _from_few(task: Task, seeds: int) -> float | None:
    """Mean over samples, of the networks outside the sample."""
    if PROXY not in task.columns:
        return None
    found = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(task.accuracy))
        known, others = order[:ENOUGH], order[ENOUGH:]
        fitted = fit_zero_cost_score(
            get_space(task.space), [task.architectures[row] for row in known], task.columns[PROXY][known]
        )
        predicted = fitted.predict([task.architectures[row] for row in others])
        found.append(kendall(predicted, task.accuracy[others]))
    return float(np.mean(found))


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _other_tasks(data: Path) -> list[Task]:
    sources = {(each.space, each.task): each for each in read_source_accuracies(data / "zero_cost")}
    return [
        Task.of(space, name, source.architectures, source.accuracy, source.proxies)
        for space, name in _TASKS
        for source in [sources[space, name]]
    ]


def _nb201_tasks(data: Path) -> list[Task]:
    space = get_space("nb201")

    def canonical(_: str, notation: str | int) -> str:
        return space.parse(notation).key

    table = zero_cost.read(data / "zero_cost" / "nb201_zcp.csv.gz", canonical).encodings[0]
    keys = list(table.values[PROXY])
    raw = {name: np.array([values[key] for key in keys]) for name, values in table.values.items()}
    architectures = [Architecture("nb201", key) for key in keys]
    return [
        Task.of("nb201", part.dataset, architectures, np.array([part.values[key] for key in keys]), raw)
        for part in accuracy_tables.read(data / "accuracy", canonical).accuracies
        if part.space == "nb201"
    ]


if __name__ == "__main__":
    main()
