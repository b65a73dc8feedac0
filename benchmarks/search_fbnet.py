"""Searches of FBNet, ours and the peers': hypervolume by evaluations and by seconds."""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from report import markdown_table
from search_peers import Record, optuna_search, ours, pymoo_nsga2
from search_speed import synthetic_fbnet

from search import Budget, hypervolume, run

# Optuna's searches take minutes each.
_PEER_SEEDS = 3
_POINTS = (100, 200, 500, 1_000, 2_000, 5_000)
_OURS = ("nsga2", "nsga3", "regularised_evolution", "local_search", "predictor_guided", "random")


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
