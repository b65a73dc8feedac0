"""From a search request to the problem that a search solves: objectives, limits, limits with a probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from service import pretrained
from service.accuracy_source import MOST_FITTED, AccuracySource
from service.codesign import Codesign
from service.device_costs import Evaluator, SimulatedCosts
from service.errors import FieldError, UnreachableLimitError
from service.layer_totals import LAYER_TOTALS
from service.problems import json_pointer
from service.schemas.searches import SearchRequest
from service.search_metrics import architecture_evaluators, direction, of_device, quantile_name
from service.searched_devices import SearchedDevices
from spaces import Architecture, SearchSpace, is_additive
from spaces.base import FloatArray, is_product
from spaces.configured_space import ConfiguredSpace

if TYPE_CHECKING:
    from predictors.accuracy_encodings import AccuracyEncodings
    from search import Constraint, Fit, Problem, SearchResult


def build_problem(
    space: SearchSpace, devices: SearchedDevices, accuracy: AccuracySource | None, request: SearchRequest
) -> Problem:
    """The problem of a request that `check_search` let pass.

    A limit with a probability is one on the quantile of the predictive distribution, a metric of its own beside the
    latency: P(latency <= max) >= probability exactly where the quantile is at most `max`.
    """
    from search import Constraint, Objective, Problem  # brings pymoo: seconds that starting the server need not take

    evaluate: dict[str, Evaluator] = dict(architecture_evaluators(space, accuracy))
    costs = devices.first
    if isinstance(costs, Codesign):
        evaluate = {name: costs.of_architecture(each) for name, each in evaluate.items()}
        space = costs.space
    evaluate |= devices.evaluators
    # A proxy that stands in for the accuracy costs nothing to know.
    is_costly = accuracy is not None and accuracy.proxy is None
    sums = _sums_over_choices(space, devices)
    is_guided = request.algorithm == "predictor_guided"
    fits: dict[str, Fit] = {"accuracy": _accuracy_fit(space)} if is_guided and is_costly else {}

    def metric(name: str) -> Objective:
        return Objective(name, direction(name), evaluate[name], fits.get(name), is_additive=name in sums)

    objectives = {name: metric(name) for name in request.objectives}
    metrics = {name: metric(name) for name in request.constraints}
    constraints = []
    for name, limit in request.constraints.items():
        limited = limited_metric(request, name)
        if limit.probability is not None:
            metrics[limited] = Objective(limited, direction(name), devices.upper_ms(name, limit.probability))
        constraints.append(Constraint(limited, max=limit.max, min=limit.min))
    return Problem(
        space=space,
        objectives=objectives,
        constraints=tuple(constraints),
        metrics={name: metric for name, metric in metrics.items() if name not in objectives},
    )


def _sums_over_choices(space: SearchSpace, devices: SearchedDevices) -> set[str]:
    """Names of the metrics to which each choice in the space adds its part, whatever the others are."""
    networks = space.space if isinstance(space, ConfiguredSpace) else space
    if not (is_product(space) and is_additive(networks)):
        return set()
    first, *_ = devices.costs
    of_devices = {
        name
        for device, costs in devices.costs.items()
        if isinstance(costs, SimulatedCosts)
        for metric in costs.sums
        for name in ([metric, of_device(metric, device)] if device == first else [of_device(metric, device)])
    }
    return {*LAYER_TOTALS, *of_devices}


def _accuracy_fit(space: SearchSpace) -> Fit:
    """Learns the accuracy from known ones; by a ridge on the choices where the space's predictor cannot."""
    from predictors.accuracy import MIN_ACCURACIES, fit_accuracy
    from predictors.accuracy_encodings import encodings_for
    from search.surrogate import fit_choice_ridge

    @cache
    def encodings() -> AccuracyEncodings:
        # Without training a network in each round: seconds that a round of evaluations does not take.
        return replace(encodings_for(space, transfer=pretrained.has_torch()), trained=None).remembering()

    def fit(known: Sequence[Architecture], values: FloatArray) -> Evaluator:
        if len(known) < MIN_ACCURACIES or isinstance(space, ConfiguredSpace):
            return fit_choice_ridge(space, known, values)
        # The newest rounds, which looked where the front is.
        latest, targets = known[-MOST_FITTED:], values[-MOST_FITTED:]
        fitted = fit_accuracy(space, latest, targets, encodings())
        return lambda architectures: fitted.predict(architectures).mean

    return fit


def limited_metric(request: SearchRequest, name: str) -> str:
    """The problem's metric that a limit of the request binds: a quantile where the limit has a probability."""
    probability = request.constraints[name].probability
    return name if probability is None else quantile_name(name, probability)


def unreachable(
    request: SearchRequest, problem: Problem, result: SearchResult, refusals: Sequence[str] = ()
) -> UnreachableLimitError:
    """What to answer where nothing within the limits was found: the best reachable values, and which limit to relax.

    Args: refusals: what a cost model said of what it refused.
    """
    seen = "of the space" if result.complete else f"of the {result.evaluations:,} evaluated"
    if result.failed == result.evaluations:
        reason = f"a metric failed for each of the {result.failed:,} architectures evaluated: no value is finite"
        return UnreachableLimitError([FieldError("; ".join([reason, *refusals]), pointer="")], {})
    limits = {constraint.objective: constraint for constraint in problem.constraints}

    def faults(best: Mapping[str, float], beside: str) -> list[FieldError]:
        return [
            FieldError(
                f"no architecture {seen} meets the limit of {name}{_certainty(request, name)}{beside}; the best "
                f"reachable value is {_told(limits[limited_metric(request, name)], value)}",
                pointer=json_pointer(["constraints", name]),
            )
            for name, value in best.items()
            if not limits[limited_metric(request, name)].is_met(np.array([value]))[0]
        ]

    best = _by_request_name(request, result.best_reachable)
    alone = faults(best, "")
    if alone:
        return UnreachableLimitError(alone, best)
    together = _by_request_name(request, result.best_beside_others)
    reason = f"no architecture {seen} meets all limits together, though each can be met alone: relax one of them"
    both = faults(together, " together with the others")
    return UnreachableLimitError(both or [FieldError(reason, pointer="/constraints")], together or best)


def _by_request_name(request: SearchRequest, values: Mapping[str, float]) -> dict[str, float]:
    named = {name: limited_metric(request, name) for name in request.constraints}
    return {name: float(values[metric]) for name, metric in named.items() if metric in values}


def _told(limit: Constraint, value: float) -> str:
    """The value in six digits, rounded so that it can be kept as a limit, and what to do with it."""
    is_max = limit.max is not None and value > limit.max
    digits = Context(prec=6, rounding=ROUND_CEILING if is_max else ROUND_FLOOR).create_decimal_from_float(value)
    return f"{float(digits):.6g}: relax {'max to at least' if is_max else 'min to at most'} that"


def _certainty(request: SearchRequest, name: str) -> str:
    probability = request.constraints[name].probability
    return "" if probability is None else f" with probability {probability:g}"
