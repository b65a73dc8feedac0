"""Every search algorithm keeps the contract of `search.Algorithm`."""

from collections import Counter

import numpy as np
import pytest

from search import ALGORITHMS, Budget, Checkpoint, Constraint, Evaluation, Objective, Problem, non_dominated, run
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
def test_algorithm_population_is_what_another_run_could_start_from(algorithm):
    evaluation = Evaluation(make_problem(), Budget(evaluations=200))
    ALGORITHMS[algorithm](evaluation, rng=np.random.default_rng(0))
    assert all(architecture in evaluation for architecture in evaluation.population)
    if algorithm not in ("exhaustive", "random", "predictor_guided"):  # which need no population to go on
        assert evaluation.population


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
def test_algorithm_goes_on_from_a_checkpoint_without_evaluating_anything_again(algorithm):
    seen = []

    def stop_after_300(progress):
        seen.append(progress)
        return progress.evaluations >= 300

    asked = []
    first = search(algorithm, make_problem(asked=asked), on_progress=stop_after_300)
    assert first.stopped_by == "cancelled"
    state = Checkpoint.from_bytes(seen[-1].checkpoint().to_bytes())
    assert state.keys == tuple(architecture.key for architecture in asked)
    result = search(algorithm, make_problem(asked=asked), checkpoint=state)
    assert result.evaluations == len(asked) == len(set(asked)) == 700
    assert result.seconds > first.seconds
    problem = make_problem()
    kept = non_dominated(problem.costs(problem.evaluate(asked)))
    classes = {SPACE.isomorphism_class(each) for each, is_kept in zip(asked, kept, strict=True) if is_kept}
    assert {SPACE.isomorphism_class(candidate.architecture) for candidate in result.front} == classes
