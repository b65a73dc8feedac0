"""What is searched for: objectives, constraints and the space they are searched in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from search.errors import InvalidProblemError, ObjectiveShapeError
from spaces.base import Architecture, BoolArray, FloatArray, SearchSpace

Direction = Literal["min", "max"]
Evaluate = Callable[[Sequence[Architecture]], FloatArray]
# Architectures with their values (n,) -> what predicts the values of others.
Fit = Callable[[Sequence[Architecture], FloatArray], Evaluate]


@dataclass(frozen=True, slots=True)
class Objective:
    """A number per architecture and the direction in which it gets better.

    Attributes:
        name: the metric with its unit at the end, such as `latency_ms`.
        direction: `min` if less is better, `max` if more is better.
        evaluate: batch of n architectures -> (n,) values in the same order; NaN or infinite where the evaluation
            failed. Called from one thread; the value of an architecture must not depend on the rest of its batch.
        fit: of a metric that is costly to evaluate, such as the accuracy of a network that is trained for it: learns
            to predict it from known values. Only predictor-guided search makes use of it.
        is_additive: whether the space is the plain product of its choices, and the value a constant plus something for
            each choice: limits out of reach are then known for sure.
    """

    name: str
    direction: Direction
    evaluate: Evaluate
    fit: Fit | None = None
    is_additive: bool = False

    def __call__(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Values (n,) of a batch. Raises: ObjectiveShapeError."""
        values = np.asarray(self.evaluate(architectures), dtype=np.float64)
        if values.shape != (len(architectures),):
            raise ObjectiveShapeError(self.name, (len(architectures),), values.shape)
        return values


@dataclass(frozen=True, slots=True)
class Constraint:
    """Limits, both inclusive, on one metric of the problem.

    Attributes:
        objective: name of an objective or of a further metric of the problem.
        max: largest value allowed, None for no such limit.
        min: smallest value allowed, None for no such limit.
    """

    objective: str
    max: float | None = None
    min: float | None = None

    def is_met(self, values: FloatArray) -> BoolArray:
        """Which of the values (n,) lie within the limits."""
        lower = -math.inf if self.min is None else self.min
        upper = math.inf if self.max is None else self.max
        return (values >= lower) & (values <= upper)

    def violation(self, values: FloatArray) -> FloatArray:
        """How far (n,) the values lie outside, as a fraction of the limit's size (absolute for a limit of 0)."""
        excess = np.zeros(len(values))
        if self.max is not None:
            excess += np.maximum(0.0, values - self.max) / (abs(self.max) or 1.0)
        if self.min is not None:
            excess += np.maximum(0.0, self.min - values) / (abs(self.min) or 1.0)
        return excess

    def closest(self, values: FloatArray) -> float:
        """The one of the values (n >= 1) that serves the constraint best.

        That is the smallest under a `max`, the largest under a `min`, the one nearest to the interval under both.
        """
        if self.min is None:
            return float(values.min())
        if self.max is None:
            return float(values.max())
        return float(values[self.violation(values).argmin()])


@dataclass(frozen=True, slots=True)
class Problem:
    """Objectives over a space, under constraints.

    Attributes:
        space: where the architectures come from.
        objectives: at least one, by name.
        constraints: at most one per metric.
        metrics: what is evaluated for the constraints' sake only and takes no part in dominance, by name.

    Raises:
        InvalidProblemError: no objective, a name given twice or unlike its key, an unknown direction, a constraint on
            an unknown metric, without a limit, with a limit that is not finite, or with min above max.
    """

    space: SearchSpace
    objectives: Mapping[str, Objective]
    constraints: tuple[Constraint, ...] = ()
    metrics: Mapping[str, Objective] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.objectives:
            raise InvalidProblemError("at least one objective is needed")
        _check_names(self.objectives, self.metrics)
        constrained = [constraint.objective for constraint in self.constraints]
        for name in constrained:
            if name not in self.metric_names:
                raise InvalidProblemError(f"constraint on {name!r}, known metrics: {', '.join(self.metric_names)}")
            if constrained.count(name) > 1:
                raise InvalidProblemError(f"more than one constraint on {name!r}")
        for constraint in self.constraints:
            _check_limits(constraint)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of all evaluated metrics: the objectives, then the further ones."""
        return (*self.objectives, *self.metrics)

    @property
    def maximise(self) -> tuple[bool, ...]:
        """For each objective whether more is better."""
        return tuple(objective.direction == "max" for objective in self.objectives.values())

    def evaluate(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, metrics) values of a batch, columns as in `metric_names`. Raises: ObjectiveShapeError."""
        metrics = (*self.objectives.values(), *self.metrics.values())
        return np.column_stack([metric(architectures) for metric in metrics])

    def costs(self, values: FloatArray) -> FloatArray:
        """(n, objectives) numbers of which less is better, from (n, metrics) values."""
        signs = np.where(self.maximise, -1.0, 1.0)
        return values[:, : len(self.objectives)] * signs

    def is_finite(self, values: FloatArray) -> BoolArray:
        """Which rows (n,) of the (n, metrics) values are finite in every metric; the others failed."""
        return np.asarray(np.isfinite(values).all(axis=1), dtype=np.bool_)

    def is_feasible(self, values: FloatArray) -> BoolArray:
        """Which rows (n,) of the (n, metrics) values meet every constraint."""
        met = [constraint.is_met(self.column(values, constraint.objective)) for constraint in self.constraints]
        return np.logical_and.reduce([np.ones(len(values), dtype=bool), *met])

    def violation(self, values: FloatArray) -> FloatArray:
        """(n,) sum of the constraints' relative violations, 0 where all are met."""
        parts = [constraint.violation(self.column(values, constraint.objective)) for constraint in self.constraints]
        return np.sum([np.zeros(len(values)), *parts], axis=0)

    def column(self, values: FloatArray, metric: str) -> FloatArray:
        """The (n,) column of one metric in (n, metrics) values."""
        return values[:, self.metric_names.index(metric)]


def _check_names(objectives: Mapping[str, Objective], metrics: Mapping[str, Objective]) -> None:
    shared = sorted(objectives.keys() & metrics.keys())
    if shared:
        raise InvalidProblemError(f"{shared[0]!r} is given both as an objective and as a metric")
    for key, metric in [*objectives.items(), *metrics.items()]:
        if key != metric.name:
            raise InvalidProblemError(f"{metric.name!r} is listed under the name {key!r}")
        if metric.direction not in get_args(Direction):
            raise InvalidProblemError(f"direction of {key!r} is {metric.direction!r}, allowed: min, max")


def _check_limits(constraint: Constraint) -> None:
    limits = [limit for limit in (constraint.min, constraint.max) if limit is not None]
    if not limits:
        raise InvalidProblemError(f"constraint on {constraint.objective!r} has neither min nor max")
    if not all(math.isfinite(limit) for limit in limits):
        raise InvalidProblemError(f"limits of {constraint.objective!r} must be finite, got {limits}")
    if constraint.min is not None and constraint.max is not None and constraint.min > constraint.max:
        raise InvalidProblemError(f"min {constraint.min} of {constraint.objective!r} is above max {constraint.max}")
