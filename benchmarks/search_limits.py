"""The best network of NAS-Bench-201 under HELP's limits, and how often limits are broken."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence

import numpy as np
from report import markdown_table
from search_cells import ACCURACIES, DEVICES, TIMINGS, Cells, read_cells

from predictors.accuracy import fit_accuracy
from predictors.accuracy_encodings import encodings_for
from predictors.base import LatencyEstimate
from search import Budget, Constraint, Objective, Problem, non_dominated, run
from search.problem import Evaluate
from spaces.base import Architecture, FloatArray

_ANSWERS_TIMED = 8
# HELP's limits in ms, and what it found with 20 timings: latency in ms, accuracy in % (its README, table 4, and repo).
_LIMITS: dict[str, list[tuple[float, float, float]]] = {
    "titan_rtx_256": [(18, 18, 69.3), (21, 19, 71.6), (25, 25, 71.8)],
    "gold_6226": [(8, 7.7, 66.6), (11, 11.0, 70.6), (14, 13.9, 72.1)],
    "pixel2": [(14, 13, 67.4), (18, 19, 70.6), (22, 34, 73.5)],
    "eyeriss": [(5, 4.1, 69.8), (7, 5.5, 71.9), (9, 9.1, 73.5)],
    "fpga": [(5, 4.7, 71.8), (6, 5.9, 72.4), (7, 7.4, 73.5)],
}
_PROBABILITY = 0.95


def limits(arguments: argparse.Namespace) -> str:
    """Regret under HELP's limits, and violations."""
    cells = read_cells(arguments.data)
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
{arguments.seeds} seeds, and in brackets how many seeds broke the limit. Latencies come from {TIMINGS} timings of the
device alone. `mean` holds the predicted latency to the limit, `p{_PROBABILITY}` asks that a measurement keeps it with
that probability. `timed` spends the same {TIMINGS} timings otherwise: {TIMINGS - _ANSWERS_TIMED} as suggested, then
{_ANSWERS_TIMED} on what the search by `mean` answers, one after the other; the last answer is one for
`p{_PROBABILITY}`. Accuracies are known; or {ACCURACIES} random ones are and the service's predictor tells the rest;
or `guided`: `predictor_guided` asks for {ACCURACIES} of them in rounds, under the limit, and the answer is one of
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
    run(problem, "predictor_guided", Budget(evaluations=ACCURACIES), rng=np.random.default_rng(seed))
    return np.array([asked.get(each, -np.inf) for each in cells.architectures])


def _answers_timed(cells: Cells, device: str, limit: float, seed: int, accuracy: FloatArray) -> int | None:
    """The answer after some of the timings were spent on earlier answers."""
    estimate, timed, _ = cells.timed(device, seed, TIMINGS - _ANSWERS_TIMED)
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
    for device in DEVICES:
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
    return f"""Limits at five quantiles of the latencies of {len(DEVICES)} devices, kept with probability
{_PROBABILITY}: how many networks truly break them (at most {1 - _PROBABILITY:.2f} each on its own). The most accurate
one lies closest to the limit.

{markdown_table(["networks", "broke it", "share", "standard error"], rows)}"""
