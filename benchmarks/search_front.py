"""NAS-Bench-201's true front as a search finds it that predicts latencies, and accuracies or not."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from report import markdown_table
from search_cells import ACCURACIES, DEVICES, TIMINGS, Cells, read_cells

from predictors import fit_cost_linear
from search import Objective, Problem, hypervolume, non_dominated, run
from spaces.base import FloatArray


def front(arguments: argparse.Namespace) -> str:
    """Share of the true front's hypervolume that the found networks truly have."""
    cells = read_cells(arguments.data)
    rows, seconds = [], []
    for device in DEVICES:
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
    return f"""### NAS-Bench-201's true front from {TIMINGS} timings

The networks that a search of the whole space puts on its front, by their true CIFAR-100 accuracy and true latency:
their hypervolume as a share of the true front's, mean (lowest) of {arguments.seeds} seeds. Accuracies are known,
or {ACCURACIES} of them are and the service's predictor tells the rest; of the latencies {TIMINGS} are known, without
other devices. The reference point is the worst accuracy and latency of any cell with a path. Fit of a predictor
{np.mean(seconds):.2f} s, search {single:.2f} s, both of one processor's time.

{markdown_table(["device", "accuracy known", "accuracy predicted"], rows)}

Accuracy and the latencies on {", ".join(DEVICES[:3])} at once, four objectives, accuracies known: {three}."""


def _several_devices(cells: Cells, seeds: int) -> str:
    devices = DEVICES[:3]
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
    sample = cells.space.sample(TIMINGS, rng=np.random.default_rng(0))
    predictor = fit_cost_linear(cells.space, sample, np.linspace(1, 2, TIMINGS))

    def accuracy(batch: Any) -> FloatArray:
        return np.array([table.get(each, np.nan) for each in batch])

    objectives = {
        "accuracy": Objective("accuracy", "max", accuracy),
        "latency_ms": Objective("latency_ms", "min", lambda batch: predictor.predict(batch).mean_ms),
    }
    begin = time.process_time()
    run(Problem(cells.space, objectives), "exhaustive", rng=np.random.default_rng(0))
    return time.process_time() - begin
