"""Where accuracies come from: the imported table, a proxy fitted to it, or the size of the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from sqlalchemy.orm import Session

from arch_encodings import Cost, has_path
from device_db import Accuracies
from predictors.accuracy_proxy import MIN_TABLE, fit_cost_ridge
from service.device_costs import Evaluator
from service.errors import FieldError, InvalidRequestError
from service.schemas.searches import AccuracyInfo
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray

_DEFAULT_DATASET: Final = "cifar10"


@dataclass(frozen=True, slots=True, eq=False)
class AccuracySource:
    """Accuracies of one space on one data set.

    Attributes:
        info: for the answer.
        table: test accuracy in % by canonical architecture.
        proxy: for architectures outside the table.
    """

    info: AccuracyInfo
    table: Mapping[str, float]
    proxy: Evaluator

    def evaluate(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Accuracy (n,) of each architecture; in % unless the source is `log10_macs`."""
        values = np.array([self.table.get(architecture.key, np.nan) for architecture in architectures])
        unknown = np.flatnonzero(np.isnan(values)).tolist()
        if unknown:
            values[unknown] = self.proxy([architectures[index] for index in unknown])
        return values

    def origin(self, architecture: Architecture) -> Literal["table", "proxy"]:
        """Whether the accuracy is known or estimated."""
        return "table" if architecture.key in self.table else "proxy"


def choose_dataset(session: Session, space: SearchSpace, asked: str | None) -> str | None:
    """The data set whose accuracies count: the one asked for, else CIFAR-10, else any; None where none is imported.

    Raises: InvalidRequestError for one that is asked for and not there.
    """
    known = Accuracies(session).datasets(space.name)
    if asked is None:
        return _DEFAULT_DATASET if _DEFAULT_DATASET in known else next(iter(known), None)
    if asked not in known:
        listed = ", ".join(known) or "none; import some with `archcast import accuracy`"
        reason = f"no accuracies on {asked!r} for {space.name}; known data sets: {listed}"
        raise InvalidRequestError([FieldError(reason, pointer="/dataset")])
    return asked


def open_accuracy(session: Session, space: SearchSpace, dataset: str | None) -> AccuracySource:
    """Accuracies on a data set that `choose_dataset` chose."""
    keys, values = Accuracies(session).table(space.name, dataset) if dataset else ([], np.empty(0))
    if len(keys) < MIN_TABLE:
        info = AccuracyInfo(source="log10_macs", dataset=dataset, known=len(keys))
        return AccuracySource(info, {}, _of_working_networks(space, _log10_live_macs(space)))
    table = dict(zip(keys, values.tolist(), strict=True))
    if len(keys) == space.size:
        return AccuracySource(AccuracyInfo(source="table", dataset=dataset, known=len(keys)), table, _nothing_unknown)
    ridge = fit_cost_ridge(space, [space.parse(key) for key in keys], values)
    info = AccuracyInfo(source="cost_ridge", dataset=dataset, known=len(keys))
    return AccuracySource(info, table, _of_working_networks(space, ridge.predict))


def _log10_live_macs(space: SearchSpace) -> Evaluator:
    """MACs that reach the output: dead operations cost time and teach nothing."""
    column = Cost().feature_names(space).index("total:live_macs")
    return lambda architectures: np.log10(np.maximum(Cost().encode(space, architectures)[:, column], 1.0))


def _of_working_networks(space: SearchSpace, proxy: Evaluator) -> Evaluator:
    """The proxy, but NaN, which a search leaves out, for a network whose input does not reach its output."""
    return lambda architectures: np.where(has_path(space, architectures), proxy(architectures), np.nan)


def _nothing_unknown(architectures: Sequence[Architecture]) -> FloatArray:
    raise AssertionError(f"{len(architectures)} architectures outside a table of the whole space")
