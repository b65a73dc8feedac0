"""The weights of zero-cost proxies in `predictors.accuracy_encodings`, from other spaces than NAS-Bench-201.

python benchmarks/zero_cost_prior.py --data ../shared/data

For each space and task a ridge regression of the accuracies' normal scores on the proxies', with a penalty of a tenth
of the architectures; the mean of its weights over all of them, 0 for a proxy that a table lacks.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from arch_encodings.zcp import SCALES
from predictors.metrics import kendall
from predictors.normal_scores import normal_scores
from service.benchmarks.source_accuracies import SourceAccuracies, read_source_accuracies
from spaces.base import FloatArray

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_PENALTY = 0.1


def main() -> None:
    """Prints the weights of each task and their mean, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with zero_cost/")
    arguments = parser.parse_args()
    weights = []
    for source in read_source_accuracies(arguments.data / "zero_cost"):
        columns = _columns(source)
        targets = normal_scores(source.accuracy)
        penalty = _PENALTY * len(targets) * np.eye(len(SCALES))
        weights.append(np.linalg.solve(columns.T @ columns + penalty, columns.T @ targets))
        fit = kendall(columns @ weights[-1], source.accuracy)
        print(json.dumps({"space": source.space, "task": source.task, "kendall": round(fit, 3), **_named(weights[-1])}))
    print(json.dumps({"mean": _named(np.mean(weights, axis=0))}))


def _columns(source: SourceAccuracies) -> FloatArray:
    """(n, 13) normal scores of the proxies; a proxy that is not there has no say."""
    columns = np.zeros((len(source.accuracy), len(SCALES)))
    for number, name in enumerate(SCALES):
        if name in source.proxies:
            columns[:, number] = normal_scores(rankdata(source.proxies[name]))
    return columns


def _named(weights: FloatArray) -> dict[str, float]:
    return {name: round(float(weight), 3) for name, weight in zip(SCALES, weights, strict=True)}


if __name__ == "__main__":
    main()
