"""Problems that make sense, and the refusal of those that do not."""

from typing import Any

import numpy as np
import pytest

from search import Constraint, InvalidProblemError, Objective, ObjectiveShapeError, Problem


def constant(name, direction: Any = "min"):
    return Objective(name, direction, lambda batch: np.zeros(len(batch)))


ACCURACY, LATENCY, MEMORY = constant("accuracy", "max"), constant("latency_ms"), constant("memory_mb")
OBJECTIVES = {"accuracy": ACCURACY, "latency_ms": LATENCY}


@pytest.mark.parametrize(
    ("objectives", "constraints", "metrics", "reason"),
    [
        ({}, (), {}, "at least one objective"),
        ({"accuracy": LATENCY}, (), {}, "under the name 'accuracy'"),
        ({"accuracy": constant("accuracy", "up")}, (), {}, "allowed: min, max"),
        (OBJECTIVES, (), {"accuracy": ACCURACY}, "both as an objective and as a metric"),
        (OBJECTIVES, (Constraint("energy_mj", max=1),), {}, "'energy_mj', known metrics: accuracy, latency_ms"),
        (OBJECTIVES, (Constraint("latency_ms"),), {}, "neither min nor max"),
        (OBJECTIVES, (Constraint("latency_ms", max=float("nan")),), {}, "must be finite"),
        (OBJECTIVES, (Constraint("latency_ms", min=2, max=1),), {}, "above max"),
        (OBJECTIVES, (Constraint("latency_ms", max=1), Constraint("latency_ms", min=0)), {}, "more than one"),
    ],
)
def test_problem_senseless_definition_is_refused_with_reason(digits, objectives, constraints, metrics, reason):
    with pytest.raises(InvalidProblemError, match=reason):
        Problem(digits, objectives, constraints, metrics)


@pytest.mark.parametrize("shape", [(), (2,), (3, 1)])
def test_objective_wrong_shape_is_refused_with_its_name(digits, shape):
    objective = Objective("accuracy", "max", lambda batch: np.zeros(shape))
    with pytest.raises(ObjectiveShapeError, match="accuracy"):
        objective(list(digits.enumerate())[:3])


def test_problem_values_become_costs_feasibility_and_violation(digits):
    limits = (Constraint("latency_ms", max=10.0), Constraint("memory_mb", min=2.0, max=4.0))
    problem = Problem(digits, OBJECTIVES, limits, {"memory_mb": MEMORY})
    values = np.array([[90.0, 10.0, 2.0], [91.0, 15.0, 5.0], [92.0, 5.0, 1.0]])
    assert problem.metric_names == ("accuracy", "latency_ms", "memory_mb")
    assert problem.costs(values).tolist() == [[-90.0, 10.0], [-91.0, 15.0], [-92.0, 5.0]]
    assert problem.is_feasible(values).tolist() == [True, False, False]
    assert problem.violation(values).tolist() == [0.0, 0.5 + 0.25, 0.5]


def test_violation_limit_of_zero_is_absolute():
    assert Constraint("x", max=0.0).violation(np.array([-1.0, 3.0])).tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("constraint", "closest"),
    [(Constraint("x", max=4.0), 1.0), (Constraint("x", min=4.0), 9.0), (Constraint("x", min=4.0, max=5.0), 6.0)],
)
def test_closest_value_serves_the_constraint_best(constraint, closest):
    assert constraint.closest(np.array([9.0, 1.0, 6.0])) == closest
