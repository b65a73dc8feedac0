"""Intervals of left-out samples: what the rest of the samples says, width included."""

from dataclasses import replace

import numpy as np
import pytest

from predictors import fit_cost_linear
from spaces import SPACES

NB201 = SPACES["nb201"]


def test_sample_has_no_part_in_its_own_interval():
    cells = NB201.sample(20, rng=np.random.default_rng(2))
    macs = np.array([NB201.workload(cell).macs for cell in cells])
    latency_ms = (3 + macs / 2e7) * np.random.default_rng(3).lognormal(0, 0.05, len(cells))
    line = fit_cost_linear(NB201, cells, latency_ms).line
    lower, upper = line.left_out_interval(latency_ms, 0.9)
    assert (lower <= line.left_out_ms).all()
    assert (line.left_out_ms <= upper).all()
    residuals = np.abs(latency_ms - line.left_out_ms) / line.left_out_std_ms
    for row in (int(np.argmax(residuals)), 3):
        own = int(np.argmin(np.abs(line.residuals - residuals[row])))
        others = replace(line, residuals=np.delete(line.residuals, own), samples=19)
        width = others._half_width(0.9) * line.left_out_std_ms[row]
        assert upper[row] - line.left_out_ms[row] == pytest.approx(width)
    assert upper[np.argmax(residuals)] < line.left_out_ms[np.argmax(residuals)] + (
        line._half_width(0.9) * line.left_out_std_ms[np.argmax(residuals)]
    )


def test_coverage_of_left_out_intervals_is_near_their_level():
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(12):
        cells = NB201.sample(20, rng=rng)
        macs = np.array([NB201.workload(cell).macs for cell in cells])
        latency_ms = (3 + macs / 2e7) * rng.lognormal(0, 0.05, len(cells))
        line = fit_cost_linear(NB201, cells, latency_ms).line
        lower, upper = line.left_out_interval(latency_ms, 0.8)
        inside.append(np.mean((lower <= latency_ms) & (latency_ms <= upper)))
    assert 0.7 < np.mean(inside) < 0.9
