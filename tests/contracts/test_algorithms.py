"""Every search algorithm keeps the contract of `search.Algorithm`."""

from collections import Counter

import numpy as np
import pytest

from search import ALGORITHMS, Budget, Checkpoint, Constraint, Objective, Problem, non_dominated, run
from spaces.base import Architecture
from spaces.nb201 import Nb201

SPACE = Nb201()
RNG = np.random.default_rng(5)
WEIGHTS = RNG.random((2, 6, 5))
algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


def weighted_sum(weights, asked=None):
    def evaluate(batch):
        if asked is not None:
            asked.extend(batch)
        return weights[np.arange(6), SPACE.decisions(batch)].sum(axis=1)

    return evaluate


def make_problem(constraints=(), asked=None):
    return Problem(
        SPACE,
        {
            "accuracy": Objective("accuracy", "max", weighted_sum(WEIGHTS[0], asked)),
            "latency_ms": Objective("latency_ms", "min", weighted_sum(WEIGHTS[1])),
        },
        constraints,
    )


def search(algorithm, problem, seed=0, evaluations=700, **options):
    budget = Budget(evaluations=evaluations)
    return run(problem, algorithm, budget, rng=np.random.default_rng(seed), **options)


@algorithms
@pytest.mark.parametrize("evaluations", [1, 7, 700])
def test_algorithm_budget_is_used_and_never_exceeded(algorithm, evaluations):
    asked = []
    result = search(algorithm, make_problem(asked=asked), evaluations=evaluations)
    assert result.evaluations == len(asked) == evaluations
    assert max(Counter(asked).values()) == 1
    assert result.stopped_by == "evaluations"
    assert not result.complete


@algorithms
def test_algorithm_front_is_what_dominates_everything_evaluated(algorithm):
    asked = []
    problem = make_problem(asked=asked)
    result = search(algorithm, problem)
    evaluated = list(asked)
    kept = non_dominated(problem.costs(problem.evaluate(evaluated)))
    expected = {architecture for architecture, is_kept in zip(evaluated, kept, strict=True) if is_kept}
    found = [candidate.architecture for candidate in result.front]
    assert set(found) <= expected
    classes = [SPACE.isomorphism_class(architecture) for architecture in found]
    assert set(classes) == {SPACE.isomorphism_class(architecture) for architecture in expected}
    assert len(set(classes)) == len(classes) == result.front_size


@algorithms
def test_algorithm_started_from_a_front_evaluates_it_first_and_keeps_what_is_good(algorithm):
    problem = make_problem()
    front = [candidate.architecture for candidate in search("exhaustive", problem, evaluations=SPACE.size).front]
    asked = []
    result = search(algorithm, make_problem(asked=asked), evaluations=len(front) + 40, initial=front)
    assert set(asked[: len(front)]) == set(front)
    assert {candidate.architecture for candidate in result.front} == set(front)


@algorithms
def test_algorithm_equal_seeds_give_equal_searches(algorithm):
    traces: list[list[Architecture]] = [[], [], []]
    first, again, _ = (
        search(algorithm, make_problem(asked=asked), seed) for seed, asked in zip((3, 3, 4), traces, strict=True)
    )
    assert traces[0] == traces[1] != traces[2]
    assert first.front == again.front


@algorithms
def test_algorithm_global_random_state_is_neither_read_nor_changed(algorithm):
    traces: list[list[Architecture]] = [[], []]
    for seed, asked in enumerate(traces):
        np.random.seed(seed)
        before = np.random.random_sample()
        np.random.seed(seed)
        search(algorithm, make_problem(asked=asked))
        assert np.random.random_sample() == before
    assert traces[0] == traces[1]


@algorithms
def test_algorithm_cancelled_stops_after_the_first_batch(algorithm):
    result = search(algorithm, make_problem(), on_progress=lambda progress: True)
    assert result.stopped_by == "cancelled"
    assert 0 < result.evaluations < 100


@algorithms
def test_algorithm_impossible_limit_ends_with_the_best_reachable_value(algorithm):
    asked = []
    problem = make_problem((Constraint("latency_ms", max=0.0),), asked)
    result = search(algorithm, problem)
    assert not result.feasible
    assert result.best_reachable["latency_ms"] == weighted_sum(WEIGHTS[1])(asked).min()


@algorithms
def test_algorithm_front_meets_the_constraints(algorithm):
    limit = float(np.median(weighted_sum(WEIGHTS[1])(list(SPACE.enumerate()))))
    result = search(algorithm, make_problem((Constraint("latency_ms", max=limit),)))
    assert result.feasible
    assert all(candidate.values["latency_ms"] <= limit for candidate in result.front)


@algorithms
def test_algorithm_single_objective_finds_one_best(algorithm):
    problem = make_problem()
    single = Problem(SPACE, {"accuracy": problem.objectives["accuracy"]})
    assert len(search(algorithm, single).front) == 1


@algorithms
@pytest.mark.parametrize("lost_after", [1, 300, 699])
def test_algorithm_goes_on_from_a_checkpoint_to_the_front_that_it_would_have_found(algorithm, lost_after):
    seen = []

    def lose(progress):
        seen.append(progress.checkpoint())
        return progress.evaluations >= lost_after

    start = SPACE.sample(5, rng=np.random.default_rng(1))
    asked = []
    search(algorithm, make_problem(asked=asked), on_progress=lose, initial=start)
    state = Checkpoint.from_bytes(seen[-1].to_bytes())
    assert state.keys == tuple(architecture.key for architecture in asked)
    result = search(algorithm, make_problem(asked=asked), checkpoint=state, initial=start[:1])
    assert result.evaluations == len(asked) == len(set(asked)) == 700
    assert result.seconds >= state.seconds > 0
    uninterrupted = []
    whole = search(algorithm, make_problem(asked=uninterrupted), initial=start)
    assert asked == uninterrupted
    assert result.front == whole.front


@algorithms
def test_algorithm_is_cancelled_while_it_recalls_a_checkpoint(algorithm, monkeypatch):
    monkeypatch.setattr("search.evaluation._SECONDS_BETWEEN_POLLS", 0.0)
    seen = []
    search(algorithm, make_problem(), on_progress=lambda progress: bool(seen.append(progress.checkpoint())))
    asked = []
    result = search(algorithm, make_problem(asked=asked), checkpoint=seen[0], on_progress=lambda _: True)
    assert (result.stopped_by, asked) == ("cancelled", [])
    assert result.evaluations == len(seen[0].keys)
