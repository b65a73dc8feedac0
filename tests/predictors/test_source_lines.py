"""Directions of the sources, and what a network says beyond the cost columns."""

import numpy as np
import pytest

from predictors import SourceLatencies
from predictors.source_lines import linear_latencies, reference_columns, reference_sample, split_columns
from spaces import get_space


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    own = np.concatenate([np.ones((50, 1)), rng.standard_normal((50, 3))], axis=1)
    linear = 2 + own @ rng.standard_normal((4, 2))
    others = own @ rng.standard_normal((4, 3)) + 7 * rng.standard_normal((50, 3))
    return own, linear, others, np.concatenate([own, others], axis=1) @ split_columns(own, linear, others)


def test_split_columns_keeps_the_own_ones(columns):
    own, _, _, split = columns
    np.testing.assert_allclose(split[:, :4], own)


def test_split_columns_directions_are_the_sources_standardised(columns):
    _, linear, _, split = columns
    expected = (linear - linear.mean(axis=0)) / linear.std(axis=0) / np.sqrt(2)
    np.testing.assert_allclose(split[:, 4:6], expected, atol=1e-9)


def test_split_columns_rest_is_what_the_own_ones_cannot_tell(columns):
    own, _, others, split = columns
    beyond = split[:, 6:]
    np.testing.assert_allclose(own.T @ beyond, 0, atol=1e-9)
    assert (beyond**2).sum(axis=1).mean() == pytest.approx(1)
    left = others - own @ np.linalg.lstsq(own, others, rcond=None)[0]
    np.testing.assert_allclose(beyond / np.abs(beyond).max(), left / np.abs(left).max(), atol=1e-9)


def test_split_columns_of_others_that_are_linear_leaves_nothing(columns):
    own, linear, _, _ = columns
    split = np.concatenate([own, linear], axis=1) @ split_columns(own, linear, linear)
    np.testing.assert_allclose(split[:, 6:], 0, atol=1e-6)


def test_linear_latencies_of_an_additive_device_are_its_relative_latencies():
    space = get_space("nb201")
    drawn = space.sample(120, rng=np.random.default_rng(3))
    per_choice = np.array([0.1, 0.2, 1.0, 3.0, 0.4])

    def measure(architectures):
        return 2 + per_choice[space.decisions(architectures)].sum(axis=1)

    latency_ms = measure(drawn)
    sources = SourceLatencies(space, drawn, ("a",), latency_ms[:, None])
    told = linear_latencies(sources)
    np.testing.assert_allclose(told[:, 0] * np.median(latency_ms), measure(reference_sample(space)), rtol=0.02)
    # Found again in the columns by least squares, as a loaded network does.
    own = reference_columns(space)
    np.testing.assert_allclose(own @ np.linalg.lstsq(own, told, rcond=None)[0], told, atol=1e-9)
