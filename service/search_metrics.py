"""What can be searched for and limited: every metric by name, with its direction and its evaluator."""

from typing import Final, Literal

from service.accuracy_source import AccuracySource
from service.device_costs import DeviceCosts, Evaluator
from service.layer_totals import LAYER_TOTALS, total_over_layers
from spaces import SearchSpace

_MAXIMISED: Final = frozenset({"accuracy", "quantisation_sqnr_db"})


def direction(metric: str) -> Literal["min", "max"]:
    """In which direction the metric gets better."""
    return "max" if metric in _MAXIMISED else "min"


def metric_names(costs: DeviceCosts) -> list[str]:
    """Every metric known for the device, sorted."""
    return sorted({"accuracy", *costs.evaluators, *LAYER_TOTALS})


def evaluators(space: SearchSpace, costs: DeviceCosts, accuracy: AccuracySource | None) -> dict[str, Evaluator]:
    """Every metric's evaluator; accuracy only where its source is given."""
    totals = {name: total_over_layers(space, of_layer) for name, of_layer in LAYER_TOTALS.items()}
    return {**totals, **costs.evaluators, **({"accuracy": accuracy.evaluate} if accuracy else {})}
