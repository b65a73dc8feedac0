"""What a search is worth: against peers, against the true front, under limits. `--part all --write` for the whole page.

fbnet: hypervolume by evaluations and by seconds, of our algorithms, pymoo's and Optuna's (if it is installed), on
FBNet, with a front of a million evaluations as reference. front: NAS-Bench-201's true front from known accuracies or
from 78 of them, and 20 timings. limits: the best network under HELP's limits, and how often limits are broken.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from report import markdown_table, write_section
from search_peers import Record, optuna_search, ours, pymoo_nsga2
from search_speed import synthetic_fbnet

from arch_encodings import has_path
from device_db.importers import accuracy as accuracy_tables
from predictors import SAMPLERS, fit_cost_linear
from predictors.accuracy import fit_accuracy
from predictors.accuracy_encodings import encodings_for
from predictors.base import LatencyEstimate
from search import Budget, Constraint, Objective, Problem, hypervolume, non_dominated, run
from search.problem import Evaluate
from service.benchmarks.latency_tables import LatencyTable, read_tables
from spaces import get_space
from spaces.base import Architecture, FloatArray, IntArray

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_TIMINGS, _ACCURACIES = 20, 78
_ANSWERS_TIMED = 8
_DEVICES = ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss")
# HELP's limits in ms, and what it found with 20 timings: latency in ms, accuracy in % (its README, table 4, and repo).
_LIMITS: dict[str, list[tuple[float, float, float]]] = {
    "titan_rtx_256": [(18, 18, 69.3), (21, 19, 71.6), (25, 25, 71.8)],
    "gold_6226": [(8, 7.7, 66.6), (11, 11.0, 70.6), (14, 13.9, 72.1)],
    "pixel2": [(14, 13, 67.4), (18, 19, 70.6), (22, 34, 73.5)],
    "eyeriss": [(5, 4.1, 69.8), (7, 5.5, 71.9), (9, 9.1, 73.5)],
    "fpga": [(5, 4.7, 71.8), (6, 5.9, 72.4), (7, 7.4, 73.5)],
}
_PROBABILITY = 0.95
# Optuna's searches take minutes each.
_PEER_SEEDS = 3
_POINTS = (100, 200, 500, 1_000, 2_000, 5_000)
_OURS = ("nsga2", "nsga3", "regularised_evolution", "local_search", "predictor_guided", "random")


def main() -> None:
    """Prints JSON, a line per result, or rewrites a page of docs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["fbnet", "front", "limits", "all"], default="all")
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--reference", type=int, default=1_000_000, help="evaluations of FBNet's reference")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    parts: dict[str, Callable[[argparse.Namespace], str]] = {"fbnet": fbnet, "front": front, "limits": limits}
    for name, part in parts.items():
        if arguments.part in (name, "all"):
            body = part(arguments)
            if arguments.write:
                write_section(f"search_{name}", body)
            print(body, flush=True)


def fbnet(arguments: argparse.Namespace) -> str:
    """Hypervolume by evaluations and seconds."""
    problem = synthetic_fbnet()
    worst = problem.costs(problem.evaluate(problem.space.sample(5_000, rng=np.random.default_rng(99)))).max(axis=0)
    begin = time.process_time()
    reference = ours(problem, "nsga2", arguments.reference, seed=12345)
    whole = hypervolume(reference.front(arguments.reference), worst)
    took = time.process_time() - begin
    begin = time.process_time()
    run(problem, "nsga2", Budget(evaluations=100_000), rng=np.random.default_rng(0))
    fast = time.process_time() - begin
    print(json.dumps({"reference": whole, "seconds": took, "seconds of 100,000": fast}), flush=True)
    contestants: dict[str, tuple[int, Callable[[int, int], Record]]] = {
        name: (1_000 if name == "predictor_guided" else 5_000, partial(ours, problem, name)) for name in _OURS
    }
    contestants["pymoo NSGA-II"] = (5_000, partial(pymoo_nsga2, problem))
    if importlib.util.find_spec("optuna"):
        contestants["Optuna NSGA-II"] = (2_000, partial(optuna_search, problem, "nsga2"))
        contestants["Optuna TPE"] = (200, partial(optuna_search, problem, "tpe"))
    curves: dict[str, list[dict[str, Any]]] = {}
    for name, (most, search) in contestants.items():
        points = [point for point in _POINTS if point <= most]
        for seed in range(min(arguments.seeds, _PEER_SEEDS) if name.startswith("Optuna") else arguments.seeds):
            # Ours suit themselves to their budget, the peers do not know it.
            records = [search(point, seed) for point in points] if name in _OURS else [search(most, seed)] * len(points)
            pairs = list(zip(points, records, strict=True))
            curve = {
                "points": points,
                "share": [hypervolume(record.front(point), worst) / whole for point, record in pairs],
                "seconds": [record.seconds[min(point, len(record.seconds)) - 1] for point, record in pairs],
            }
            curves.setdefault(name, []).append(curve)
        means = {
            key: np.mean([curve[key] for curve in curves[name]], axis=0).round(4).tolist() for key in curves[name][0]
        }
        print(json.dumps({"algorithm": name, **means}), flush=True)
    return _fbnet_section(arguments, curves, took, fast)


def _fbnet_section(
    arguments: argparse.Namespace, curves: dict[str, list[dict[str, Any]]], took: float, fast: float
) -> str:
    rows = []
    for name, several in curves.items():
        share = np.mean([curve["share"] for curve in several], axis=0)
        seconds = np.mean([curve["seconds"] for curve in several], axis=0)
        padding = ["-"] * (len(_POINTS) - len(share))
        rows.append(
            [
                name,
                *(f"{value:.3f}" for value in share),
                *padding,
                f"{1e3 * seconds[-1] / several[0]['points'][-1]:.2f}",
            ]
        )
    equal = []
    for peer in ("pymoo NSGA-II", "Optuna NSGA-II", "Optuna TPE"):
        if peer in curves:
            share, seconds = (np.mean([curve[key] for curve in curves[peer]], axis=0) for key in ("share", "seconds"))
            most = curves[peer][0]["points"][-1]
            equal += [
                [f"{peer}, {most:,} evaluations", mine, *_ratio(curves[mine], share[-1], most, seconds[-1])]
                for mine in ("nsga2", "nsga3", "predictor_guided")
            ]
    has_optuna = any(name.startswith("Optuna") for name in curves)
    fewer = f", of Optuna's of {min(arguments.seeds, _PEER_SEEDS)}" if has_optuna else " (Optuna was not installed)"
    header = ["algorithm", *(f"{point:,}" for point in _POINTS), "ms / evaluation"]
    return f"""### Search of FBNet: ours and the peers

Hypervolume of a budget of so many evaluations, as a share of that of NSGA-II with {arguments.reference:,} evaluations
({took:.0f} s). Means of {arguments.seeds} seeds{fewer}.
Three objectives: a made-up accuracy that saturates, roofline latency and energy of a phone. The peers have their
libraries' defaults, the same objectives and one run that is read at each number; Optuna asks for one architecture at a
time. The reference point is the
worst of 5,000 uniform architectures in each objective. Seconds are of one processor's time. 100,000 evaluations of
`nsga2` take {fast:.1f} s.

{markdown_table(header, rows)}

What ours needs for the hypervolume that a peer has in the end:

{markdown_table(["peer", "ours", "evaluations", "times fewer", "seconds", "times fewer"], equal)}"""


def _ratio(curves: list[dict[str, Any]], share: float, evaluations: int, seconds: float) -> list[str]:
    """Evaluations and seconds at which the mean curve reaches the share, by interpolation, and the ratio to these."""
    mean = np.mean([curve["share"] for curve in curves], axis=0)
    if mean[-1] < share:
        return ["not reached", "-", "-", "-"]
    needed = float(np.interp(share, mean, curves[0]["points"]))
    took = float(np.interp(share, mean, np.mean([curve["seconds"] for curve in curves], axis=0)))
    return [f"{needed:,.0f}", f"{evaluations / needed:.1f}", f"{took:.2f}", f"{seconds / took:.1f}"]


@lru_cache(maxsize=1)
def _cells(data: Path) -> Cells:
    return Cells(data)


class Cells:
    """NAS-Bench-201 with its CIFAR-100 accuracies and the devices' latencies, cells with a path alone."""

    def __init__(self, data: Path):
        self.space = get_space("nb201")
        self.table: LatencyTable = read_tables(data)["nb201"]
        parsed = accuracy_tables.read(data / "accuracy", lambda _, notation: self.space.parse(notation).key)
        self.known = next(part.values for part in parsed.accuracies if part.dataset == "cifar100")
        usable = has_path(self.space, self.table.architectures)
        self.rows = np.flatnonzero(usable)
        self.architectures = [self.table.architectures[row] for row in self.rows]
        self.accuracy = np.array([self.known[each.key] for each in self.architectures])

    def latency_ms(self, device: str) -> FloatArray:
        """(n,) measured."""
        return self.table.latency_ms[device][self.rows]

    @cache  # noqa: B019 (one instance)
    def timed(self, device: str, seed: int, timings: int = _TIMINGS) -> tuple[LatencyEstimate, IntArray, float]:
        """Latencies from so many timings, which ones these are, and the seconds that the fit took.

        The timings are chosen as the product suggests them, among 2,000 random cells so that seeds differ.
        """
        rng = np.random.default_rng(seed)
        candidates = [self.architectures[row] for row in rng.choice(len(self.rows), 2_000, replace=False)]
        chosen = SAMPLERS["d_optimal"](self.space, candidates, [], timings, rng=rng)
        place = {each: row for row, each in enumerate(self.architectures)}
        rows = np.array([place[each] for each in chosen])
        begin = time.process_time()
        fit_cost_linear(self.space, chosen, self.latency_ms(device)[rows])
        seconds = time.process_time() - begin
        return self.fitted(device, rows), rows, seconds

    def fitted(self, device: str, rows: IntArray) -> LatencyEstimate:
        """All latencies from the timings of these."""
        chosen = [self.architectures[row] for row in rows]
        return fit_cost_linear(self.space, chosen, self.latency_ms(device)[rows]).predict(self.architectures)

    def best_under(
        self, device: str, limit: float, bound: FloatArray, timed: IntArray, accuracy: FloatArray
    ) -> int | None:
        """The most accurate one whose bound (n,), or latency if it is timed, keeps the limit; None if there is none."""
        bound = bound.copy()
        bound[timed] = self.latency_ms(device)[timed]
        allowed = np.flatnonzero((bound <= limit) & np.isfinite(accuracy))
        return int(allowed[accuracy[allowed].argmax()]) if len(allowed) else None

    @cache  # noqa: B019
    def guessed(self, seed: int) -> FloatArray:
        """Accuracies (n,) from 78 known ones, which keep theirs."""
        rows = np.random.default_rng(1_000 + seed).choice(len(self.rows), _ACCURACIES, replace=False)
        known = [self.architectures[row] for row in rows]
        fitted = fit_accuracy(self.space, known, self.accuracy[rows], encodings_for(self.space))
        guess = fitted.predict(self.architectures).mean
        guess[rows] = self.accuracy[rows]
        return guess


def front(arguments: argparse.Namespace) -> str:
    """Share of the true front's hypervolume that the found networks truly have."""
    cells = _cells(arguments.data)
    rows, seconds = [], []
    for device in _DEVICES:
        truth = np.column_stack([-cells.accuracy, cells.latency_ms(device)])
        worst = truth.max(axis=0)
        whole = hypervolume(truth[non_dominated(truth)], worst)
        shares: dict[str, list[float]] = {"known": [], "predicted": []}
        for seed in range(arguments.seeds):
            estimate, timed, took = cells.timed(device, seed)
            seconds.append(took)
            latency_ms = estimate.mean_ms.copy()
            latency_ms[timed] = cells.latency_ms(device)[timed]
            for name, accuracy in (("known", cells.accuracy), ("predicted", cells.guessed(seed))):
                found = non_dominated(np.column_stack([-accuracy, latency_ms]))
                shares[name].append(hypervolume(truth[found], worst) / whole)
        rows.append([device, *(f"{np.mean(each):.4f} ({min(each):.4f})" for each in shares.values())])
        print(
            json.dumps({"device": device, **{name: float(np.mean(each)) for name, each in shares.items()}}), flush=True
        )
    three, single = _several_devices(cells, arguments.seeds), _search_seconds(cells)
    return f"""### NAS-Bench-201's true front from {_TIMINGS} timings

The networks that a search of the whole space puts on its front, by their true CIFAR-100 accuracy and true latency:
their hypervolume as a share of the true front's, mean (lowest) of {arguments.seeds} seeds. Accuracies are known,
or {_ACCURACIES} of them are and the service's predictor tells the rest; of the latencies {_TIMINGS} are known, without
other devices. The reference point is the worst accuracy and latency of any cell with a path. Fit of a predictor
{np.mean(seconds):.2f} s, search {single:.2f} s, both of one processor's time.

{markdown_table(["device", "accuracy known", "accuracy predicted"], rows)}

Accuracy and the latencies on {", ".join(_DEVICES[:3])} at once, four objectives, accuracies known: {three}."""


def _several_devices(cells: Cells, seeds: int) -> str:
    devices = _DEVICES[:3]
    truth = np.column_stack([-cells.accuracy, *(cells.latency_ms(device) for device in devices)])
    worst = truth.max(axis=0)
    whole = hypervolume(truth[non_dominated(truth)], worst)
    shares = []
    for seed in range(seeds):
        predicted = [cells.timed(device, seed)[0].mean_ms for device in devices]
        found = non_dominated(np.column_stack([-cells.accuracy, *predicted]))
        shares.append(hypervolume(truth[found], worst) / whole)
    return f"{np.mean(shares):.4f} ({min(shares):.4f})"


def _search_seconds(cells: Cells) -> float:
    """Of an exhaustive search with an accuracy from a table and a predicted latency."""
    table = dict(zip(cells.architectures, cells.accuracy.tolist(), strict=True))
    sample = cells.space.sample(_TIMINGS, rng=np.random.default_rng(0))
    predictor = fit_cost_linear(cells.space, sample, np.linspace(1, 2, _TIMINGS))

    def accuracy(batch: Any) -> FloatArray:
        return np.array([table.get(each, np.nan) for each in batch])

    objectives = {
        "accuracy": Objective("accuracy", "max", accuracy),
        "latency_ms": Objective("latency_ms", "min", lambda batch: predictor.predict(batch).mean_ms),
    }
    begin = time.process_time()
    run(Problem(cells.space, objectives), "exhaustive", rng=np.random.default_rng(0))
    return time.process_time() - begin


def limits(arguments: argparse.Namespace) -> str:
    """Regret under HELP's limits, and violations."""
    cells = _cells(arguments.data)
    rows = []
    regrets: dict[str, list[float]] = {}
    broken: dict[str, list[bool]] = {}
    for device, published in _LIMITS.items():
        truth = cells.latency_ms(device)
        for limit, their_ms, their_accuracy in published:
            best = cells.accuracy[truth <= limit].max()
            row = [device, f"{limit:g}", f"{best:.2f}", f"{their_accuracy:.1f} ({their_ms:g} ms)"]
            found: dict[str, list[int]] = {}
            for seed in range(arguments.seeds):
                for name, chosen in _choices(cells, device, limit, seed):
                    found.setdefault(name, []).append(chosen)
            for name, several in found.items():
                regrets.setdefault(name, []).extend(best - cells.accuracy[several])
                broken.setdefault(name, []).extend(truth[several] > limit)
                row.append(f"{cells.accuracy[several].mean():.2f} ({(truth[several] > limit).sum()})")
            rows.append(row)
            print(json.dumps(row), flush=True)
    names = list(regrets)
    total = [["regret in points", *(f"{np.mean(regrets[name]):.2f}" for name in names)]]
    total.append(["chosen networks that break their limit", *(f"{np.mean(broken[name]):.3f}" for name in names)])
    return f"""### The best network under a limit

CIFAR-100 accuracy of the network that a search of NAS-Bench-201 chooses under HELP's limits, mean of
{arguments.seeds} seeds, and in brackets how many seeds broke the limit. Latencies come from {_TIMINGS} timings of the
device alone. `mean` holds the predicted latency to the limit, `p{_PROBABILITY}` asks that a measurement keeps it with
that probability. `timed` spends the same {_TIMINGS} timings otherwise: {_TIMINGS - _ANSWERS_TIMED} as suggested, then
{_ANSWERS_TIMED} on what the search by `mean` answers, one after the other; the last answer is one for
`p{_PROBABILITY}`. Accuracies are known; or {_ACCURACIES} random ones are and the service's predictor tells the rest;
or `guided`: `predictor_guided` asks for {_ACCURACIES} of them in rounds, under the limit, and the answer is one of
these. HELP's column: its published network with as many timings, chosen by its own accuracy predictor, with its
latency. A negative regret comes with a broken limit.

{markdown_table(["device", "limit, ms", "best", "HELP", *names], rows)}

{markdown_table(["over all", *names], total)}

{_violations(cells, arguments.seeds)}"""


def _choices(cells: Cells, device: str, limit: float, seed: int) -> Iterator[tuple[str, int]]:
    """What each way of choosing finds: its name, and the row of the network."""
    estimate, timed, _ = cells.timed(device, seed)
    sources = {
        "known": cells.accuracy,
        "predicted": cells.guessed(seed),
        "guided": _guided(cells, device, limit, seed),
    }
    for source, accuracy in sources.items():
        for name, bound in (("mean", estimate.mean_ms), (f"p{_PROBABILITY}", _upper(estimate))):
            chosen = cells.best_under(device, limit, bound, timed, accuracy)
            if chosen is not None:
                yield f"{source}, {name}", chosen
        chosen = _answers_timed(cells, device, limit, seed, accuracy)
        if chosen is not None:
            yield f"{source}, timed", chosen


def _guided(cells: Cells, device: str, limit: float, seed: int) -> FloatArray:
    """Accuracies (n,) of what a predictor-guided search asked for, -inf elsewhere."""
    estimate, timed, _ = cells.timed(device, seed)
    latency_ms = dict(zip(cells.architectures, estimate.mean_ms, strict=True))
    latency_ms.update({cells.architectures[row]: cells.latency_ms(device)[row] for row in timed})
    asked: dict[Architecture, float] = {}

    def accuracy(batch: Sequence[Architecture]) -> FloatArray:
        values = [float(cells.known[each.key]) for each in batch]
        asked.update(zip(batch, values, strict=True))
        return np.array(values)

    def fit(known: Sequence[Architecture], values: FloatArray) -> Evaluate:
        fitted = fit_accuracy(cells.space, known, values, encodings_for(cells.space))
        return lambda batch: fitted.predict(batch).mean

    problem = Problem(
        cells.space,
        {"accuracy": Objective("accuracy", "max", accuracy, fit)},
        (Constraint("latency_ms", max=limit),),
        # A cell without a path is no answer.
        {
            "latency_ms": Objective(
                "latency_ms", "min", lambda batch: np.array([latency_ms.get(each, np.inf) for each in batch])
            )
        },
    )
    run(problem, "predictor_guided", Budget(evaluations=_ACCURACIES), rng=np.random.default_rng(seed))
    return np.array([asked.get(each, -np.inf) for each in cells.architectures])


def _answers_timed(cells: Cells, device: str, limit: float, seed: int, accuracy: FloatArray) -> int | None:
    """The answer after some of the timings were spent on earlier answers."""
    estimate, timed, _ = cells.timed(device, seed, _TIMINGS - _ANSWERS_TIMED)
    for _ in range(_ANSWERS_TIMED):
        untimed = np.where(np.isin(np.arange(len(accuracy)), timed), -np.inf, accuracy)
        answer = cells.best_under(device, limit, estimate.mean_ms, timed, untimed)
        if answer is None:
            break
        timed = np.append(timed, answer)
        estimate = cells.fitted(device, timed)
    return cells.best_under(device, limit, _upper(estimate), timed, accuracy)


def _upper(estimate: LatencyEstimate) -> FloatArray:
    """What the latency stays below with the probability."""
    return estimate.interval(2 * _PROBABILITY - 1)[1]


def _violations(cells: Cells, seeds: int) -> str:
    """How many networks truly break a limit at a decile of the latencies: of all allowed, of the front, the chosen."""
    counts = {name: np.zeros(2) for name in ("all allowed", "on the front", "most accurate")}
    by_seed: dict[str, list[float]] = {name: [] for name in counts}
    for device in _DEVICES:
        truth = cells.latency_ms(device)
        for seed in range(seeds):
            estimate, timed, _ = cells.timed(device, seed)
            upper, untimed = _upper(estimate), np.ones(len(truth), dtype=bool)
            untimed[timed] = False
            for limit in np.quantile(truth, [0.2, 0.35, 0.5, 0.65, 0.8]):
                allowed = np.flatnonzero((upper <= limit) & untimed)
                if not len(allowed):
                    continue
                costs = np.column_stack([-cells.accuracy[allowed], estimate.mean_ms[allowed]])
                picked = {
                    "all allowed": allowed,
                    "on the front": allowed[non_dominated(costs)],
                    "most accurate": allowed[[cells.accuracy[allowed].argmax()]],
                }
                for name, chosen in picked.items():
                    counts[name] += [(truth[chosen] > limit).sum(), len(chosen)]
                    by_seed[name].append(float((truth[chosen] > limit).mean()))
    rows = [
        [
            name,
            f"{broke:,.0f} of {total:,.0f}",
            f"{broke / total:.4f}",
            f"{np.std(by_seed[name]) / np.sqrt(len(by_seed[name])):.4f}",
        ]
        for name, (broke, total) in counts.items()
    ]
    return f"""Limits at five quantiles of the latencies of {len(_DEVICES)} devices, kept with probability
{_PROBABILITY}: how many networks truly break them (at most {1 - _PROBABILITY:.2f} each on its own). The most accurate
one lies closest to the limit.

{markdown_table(["networks", "broke it", "share", "standard error"], rows)}"""


if __name__ == "__main__":
    main()
