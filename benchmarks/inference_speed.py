"""Measures how fast latency predictors answer, on one thread; needs no data beside the shipped networks.

python benchmarks/inference_speed.py --write
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from report import markdown_table, write_section

from arch_encodings import ENCODERS
from arch_encodings.learned.vocabulary import Vocabulary
from predictors import LatencyPredictor, fit_cost_linear, fit_graph_linear, fit_nasflat
from predictors.features import feature_map
from predictors.graph import NasflatSettings
from predictors.graph.inputs import GraphInputs
from predictors.graph.nasflat import Nasflat
from predictors.graph.shipped import load_pretrained
from spaces import Architecture, SearchSpace, get_space

Timings = tuple[list[Architecture], np.ndarray]
SPACES = ("nb201", "fbnet")
_PUBLISHED = NasflatSettings(op_width=40, node_width=96, width=128, head_width=200, has_attributes=False)
_BATCH = 256
_SINGLES = 200


def main() -> None:
    """Prints the table, or rewrites its section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", type=int, default=8_000, help="scored in one call")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = _section([row for name in SPACES for row in _rows(get_space(name), arguments.architectures)])
    print(text)
    if arguments.write:
        write_section("inference_speed", text)


def _rows(space: SearchSpace, count: int) -> list[list[str]]:
    drawn = space.sample(count + 20 + _SINGLES + 1, rng=np.random.default_rng(0))
    timed, batch, singles = drawn[:20], drawn[20 : 20 + count], drawn[20 + count :]
    costs = ENCODERS["cost"].encode(space, timed)
    macs = costs[:, ENCODERS["cost"].feature_names(space).index("total:macs")]
    latency_ms = 1 + macs / macs.max()
    published = _published_rate(space, batch[:1024])
    rows = [_row(space, "NASFLAT's network at the authors' widths, alone", published, published)]
    for fit in _fits(space):
        fit((timed, latency_ms))  # what is built once
        begin = time.process_time()
        predictor = fit((timed, latency_ms))
        adaptation = time.process_time() - begin
        predictor.predict(singles[-1:])
        single_ms = 1e3 * float(np.median([_seconds(predictor.predict, [one]) for one in singles[:-1]]))
        rate = _rate(predictor.predict, batch)
        rows.append(_row(space, f"`{predictor.name}`", rate, published, single_ms, adaptation))
    linear = fit_cost_linear(space, timed, latency_ms)
    columns = feature_map(space)(batch)
    rows.append(_row(space, "closed form on ready columns", _rate(linear.line.estimate, columns), published))
    mean_alone = _rate(lambda ready: ready @ linear.line.weights, columns)
    rows.append(_row(space, "the same, no spread", mean_alone, published))
    return rows


def _fits(space: SearchSpace) -> list[Callable[[Timings], LatencyPredictor]]:
    nasflat, trunk = load_pretrained(space, "nasflat"), load_pretrained(space, "trunk")
    return [
        lambda timings: fit_nasflat(nasflat, *timings),
        lambda timings: fit_graph_linear(trunk, *timings),
        lambda timings: fit_cost_linear(space, *timings),
    ]


def _published_rate(space: SearchSpace, architectures: Sequence[Architecture]) -> float:
    """Of the network at the authors' widths, untrained; the graphs are read before."""
    vocabulary = Vocabulary.of([space])
    network = Nasflat(vocabulary.size, 1, _PUBLISHED).eval()
    graphs = GraphInputs.of(space, architectures, vocabulary)

    def score(rows: np.ndarray) -> None:
        with torch.inference_mode():
            for part in torch.from_numpy(rows).split(_BATCH):
                network(graphs.take(part), torch.tensor([0]))

    score(np.arange(_BATCH))
    return _rate(score, np.arange(len(graphs)))


def _rate(call: Callable[..., object], batch: Sequence[Architecture] | np.ndarray) -> float:
    """Architectures a second, in processor time."""
    return len(batch) / _seconds(call, batch)


def _seconds(call: Callable[..., object], argument: object) -> float:
    begin = time.process_time()
    call(argument)
    return time.process_time() - begin


def _row(
    space: SearchSpace,
    name: str,
    rate: float,
    published: float,
    single_ms: float | None = None,
    adaptation: float | None = None,
) -> list[str]:
    single = "-" if single_ms is None else f"{single_ms:.2f}"
    adapted = "-" if adaptation is None else f"{adaptation:.2f}"
    return [space.name, name, f"{rate:,.0f}", f"{rate / published:.1f}", single, adapted]


def _section(rows: list[list[str]]) -> str:
    header = ["space", "predictor", "architectures a second", "ratio", "one architecture, ms", "adaptation, s"]
    return f"""### Speed of answers

Architectures that the process has not seen before, from keys to milliseconds with intervals, in one call; processor
time of one thread. The ratio is to this package's layers at the widths of the NASFLAT paper, graphs read beforehand.
One architecture: the median of {_SINGLES} calls. Adaptation: from 20 timings, with the networks and source devices that
come with the package, `cost_linear` without sources; the second device of a process, as the first reads the network.

{markdown_table(header, rows)}"""


if __name__ == "__main__":
    main()
