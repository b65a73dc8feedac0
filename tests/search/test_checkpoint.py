"""Checkpoints: the same after a way through bytes, and nothing else is accepted."""

import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import Budget, Checkpoint, InvalidCheckpointError, Objective, Problem, run

KEYS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(KEYS), st.lists(KEYS), st.floats(0, 1e6))
def test_checkpoint_survives_bytes(keys, initial, seconds):
    values = np.arange(2.0 * len(keys)).reshape(-1, 2)
    state = Checkpoint("digits", ("a", "b"), tuple(keys), values, tuple(initial), seconds)
    found = Checkpoint.from_bytes(state.to_bytes())
    assert (found.space, found.metrics, found.keys, found.initial, found.seconds) == (
        "digits",
        ("a", "b"),
        tuple(keys),
        tuple(initial),
        seconds,
    )
    np.testing.assert_array_equal(found.values, values)


def test_bytes_that_are_no_checkpoint_are_refused():
    good = Checkpoint("digits", ("a",), ("1",), np.ones((1, 1)), (), 1.0).to_bytes()
    pickled = io.BytesIO()
    np.savez(pickled, head=np.array([{"format": 1}], dtype=object))
    for blob in (b"", b"nonsense", good[:-40], pickle.dumps({"format": 1}), pickled.getvalue()):
        with pytest.raises(InvalidCheckpointError):
            Checkpoint.from_bytes(blob)


def test_run_from_a_checkpoint_of_other_metrics_is_refused(digits):
    problem = Problem(digits, {"sum": Objective("sum", "min", lambda batch: np.zeros(len(batch)))})
    other = Checkpoint("digits", ("product",), (), np.empty((0, 1)), (), 0.0)
    with pytest.raises(InvalidCheckpointError, match="product"):
        run(problem, rng=np.random.default_rng(0), checkpoint=other)


def test_run_from_a_checkpoint_at_its_budget_ends_at_once(digits, make_objective):
    objective = make_objective("loss", "min", np.arange(60.0))
    problem = Problem(digits, {"loss": objective})
    seen = []
    budget = Budget(evaluations=20)
    first = run(
        problem, "random", budget, rng=np.random.default_rng(0), on_progress=lambda each: bool(seen.append(each))
    )
    again = run(problem, "random", budget, rng=np.random.default_rng(0), checkpoint=seen[-1].checkpoint())
    assert len(objective.evaluate.asked) == again.evaluations == 20
    assert (again.front, again.stopped_by) == (first.front, "evaluations")


def summing(space):
    """The sum of the decisions is to be small; also the list of what has been asked for."""
    asked = []

    def evaluate(batch):
        asked.extend(batch)
        return space.decisions(batch).sum(axis=1).astype(float)

    return Problem(space, {"sum": Objective("sum", "min", evaluate)}), asked


def test_run_without_a_budget_from_a_checkpoint_at_its_end_ends_at_once(wide_digits):
    problem, asked = summing(wide_digits)
    seen = []
    first = run(problem, rng=np.random.default_rng(0), on_progress=lambda each: bool(seen.append(each)))
    again = run(problem, rng=np.random.default_rng(0), checkpoint=seen[-1].checkpoint())
    assert len(asked) == again.evaluations == 5_000
    assert (again.front, again.stopped_by) == (first.front, "evaluations")


def test_run_from_a_checkpoint_whose_values_do_not_come_again_keeps_within_its_budget(wide_digits):
    problem, asked = summing(wide_digits)
    seen = []
    budget = Budget(evaluations=400)
    run(
        problem,
        "nsga2",
        budget,
        rng=np.random.default_rng(0),
        on_progress=lambda each: len(seen.append(each) or seen) > 3,
    )
    state = seen[-1].checkpoint()
    asked.clear()
    result = run(problem, "nsga2", budget, rng=np.random.default_rng(1), checkpoint=state)
    assert len(set(asked)) == len(asked) == 400 - len(state.keys)
    assert result.evaluations == 400
    assert not {each.key for each in asked} & set(state.keys)
