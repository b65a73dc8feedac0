"""What twenty timings of a device tell of the other networks: `benchmarks/onboarding.py JOURNAL... --write`.

The journals are of `archcast measure`, each of one space and one condition, with one pass or several (or runs one
after the other in one file), of which each network's fastest counts. Of its networks twenty are taken for the
timed ones, as `GET /devices/{name}/suggestions` would choose them among three quarters of these, or at random; the
predictor that the server would fit without a network is fitted to them, and asked for all the others. One design says
little of how often bounds hold, hence several, each from three quarters of its own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from report import markdown_table, write_section

from predictors import SAMPLERS
from predictors.cost_linear import fit_cost_linear
from predictors.metrics import spearman
from service.onnx_timing import Timed, least_disturbed
from spaces import SPACES, Architecture
from spaces.base import FloatArray, IntArray

_TIMED, _DRAWS, _SEED = 20, 20, 0
_OFFERED = 0.75
_HEADER = [
    "condition",
    "space",
    "asked for",
    "timed",
    "MAPE",
    "within 10 %",
    "Spearman",
    "90 % bounds hold",
    "at least",
]


def main() -> None:
    """Prints the table; with --write into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("journals", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = [row for path in options.journals for row in _rows(path)]
    body = (
        f"### Twenty timings of a device, made by `archcast measure`\n\n{_TIMED} networks of a journal are timed, "
        f"suggested among a random {_OFFERED:.0%} of them or drawn at random, and the others are asked for; means of "
        f"{_DRAWS} such choices. *At least*: nine choices of ten have bounds that hold more. Predictor: `cost_linear`, "
        "without other devices to lean on.\n\n" + markdown_table(_HEADER, rows)
    )
    print(body)
    if options.write:
        write_section("onboarding", body)


def _rows(journal: Path) -> list[list[str]]:
    entries = least_disturbed(Timed(**json.loads(line)) for line in journal.read_text().splitlines())
    (space,) = {entry.space for entry in entries}
    architectures = [Architecture(space, entry.architecture) for entry in entries]
    latency_ms = np.array([entry.latency_ms for entry in entries])
    settings = entries[0].timing["settings"]
    condition = f"{settings['precision']}, {settings['threads']} thread{'s' * (settings['threads'] > 1)}"
    rng = np.random.default_rng(_SEED)
    choices = {
        "suggested": [_suggested(architectures, rng) for _ in range(_DRAWS)],
        "at random": [rng.choice(len(entries), _TIMED, replace=False) for _ in range(_DRAWS)],
    }
    rows = []
    for name, draws in choices.items():
        scores = np.array([_scores(architectures, latency_ms, timed) for timed in draws])
        shown = _shown(scores.mean(axis=0), float(np.quantile(scores[:, -1], 0.1)))
        rows.append([condition, space, str(len(entries) - _TIMED), name, *shown])
    return rows


def _suggested(architectures: Sequence[Architecture], rng: np.random.Generator) -> IntArray:
    """(timed,) rows of a design."""
    offered = rng.permutation(len(architectures))[: int(_OFFERED * len(architectures))]
    pool = [architectures[row] for row in offered]
    chosen = SAMPLERS["d_optimal"](SPACES[architectures[0].space], pool, [], _TIMED, rng=rng)
    return np.array([architectures.index(one) for one in chosen])


def _scores(architectures: Sequence[Architecture], latency_ms: FloatArray, timed: IntArray) -> FloatArray:
    """(4,) of the networks that were not timed."""
    others = np.setdiff1d(np.arange(len(architectures)), timed)
    space = SPACES[architectures[0].space]
    predictor = fit_cost_linear(space, [architectures[index] for index in timed], latency_ms[timed])
    estimate = predictor.predict([architectures[index] for index in others])
    lower, upper = estimate.interval(0.9)
    truth = latency_ms[others]
    error = np.abs(estimate.mean_ms / truth - 1)
    holds = (lower <= truth) & (truth <= upper)
    return np.array([error.mean(), (error <= 0.1).mean(), spearman(estimate.mean_ms, truth), holds.mean()])


def _shown(scores: FloatArray, least_holds: float) -> list[str]:
    error, close, rank, holds = scores.tolist()
    return [f"{error:.1%}", f"{close:.0%}", f"{rank:.3f}", f"{holds:.0%}", f"{least_holds:.0%}"]


if __name__ == "__main__":
    main()
