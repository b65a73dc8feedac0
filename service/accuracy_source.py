"""Where accuracies come from: the table, a predictor fitted to it, a network that comes with archcast, or a proxy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, Literal, Protocol

import numpy as np
from sqlalchemy.orm import Session

from arch_encodings import has_path, live_macs
from device_db import Accuracies
from predictors.accuracy import MIN_ACCURACIES, fit_accuracy
from predictors.accuracy_encodings import encodings_for
from predictors.accuracy_scale import AccuracyEstimate
from predictors.remembered import RememberedRows
from predictors.zero_cost_score import MEMBERS
from service import pretrained
from service.errors import FieldError, InvalidRequestError
from service.interruptible import stop_if_left
from service.pretrained import ShippedAccuracies
from service.schemas.searches import AccuracyInfo, AccuracyOrigin, ChosenSource, ProxyInfo
from service.zero_cost_source import fitted_score, stored_proxies, why_no_score
from spaces import Architecture, SearchSpace, get_space
from spaces.base import FloatArray

_DEFAULT_DATASET: Final = "cifar10"
_Source = Literal["table", "fitted", "pretrained", "zero_cost", "log10_macs"]
# What is no accuracy in % but a number to order networks by, and its unit.
PROXY_UNITS: Final[Mapping[str, str]] = {"zero_cost": "standard deviations", "log10_macs": "log10 MACs"}
# Of one's own accuracies on a data set that a network was trained on, so many take its place.
ENOUGH_BESIDE_NETWORK: Final = 20
# A fit is cubic in their number, and these are a second of one core; more of them hardly change its order.
MOST_FITTED: Final = 400
# Searches that start together ask for the same one: the first makes it, the others wait.
_LOADING, _FITTING = threading.Lock(), threading.Lock()


class AccuracyPredictor(Protocol):
    """What a fitted predictor and a network have in common."""

    def predict(self, architectures: Sequence[Architecture]) -> AccuracyEstimate:
        """Accuracy of each architecture, in the order given."""
        ...


class Remembering:
    """Means of a predictor, which one search after another asks of the same architectures; thread-safe."""

    def __init__(self, predictor: AccuracyPredictor):
        self.predictor = predictor
        self._means = RememberedRows()

    def means(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Accuracy (n,) in % of each architecture."""
        return self._means.of(architectures, lambda missing: self.predictor.predict(missing).mean)


@dataclass(frozen=True, slots=True, eq=False)
class AccuracySource:
    """Accuracies of one space on one data set.

    Attributes:
        info: for the answer, which also says how many architectures were asked for.
        space: of the architectures.
        table: what is known by canonical architecture: test accuracies in %, or scores.
        predictor: for architectures outside the table; None where a proxy stands in.
        proxy: what stands in, n architectures -> (n,); None where there is a predictor or the table has them all.
    """

    info: AccuracyInfo
    space: SearchSpace
    table: Mapping[str, float]
    predictor: Remembering | None
    proxy: Callable[[Sequence[Architecture]], FloatArray] | None = None
    _predicted: set[Architecture] = field(default_factory=set)

    def info_with(self, computed: int) -> AccuracyInfo:
        """For the answer of a search that computed so many proxies."""
        proxies = self.info.proxies and self.info.proxies.model_copy(update={"computed": computed})
        return self.info.model_copy(update={"predicted": len(self._predicted), "proxies": proxies})

    def evaluate(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Accuracy (n,) of each architecture, in the unit of the source.

        NaN, which a search leaves out, for a network outside the table whose input does not reach its output.
        """
        values = np.array([self.table.get(architecture.key, np.nan) for architecture in architectures])
        unknown = np.flatnonzero(np.isnan(values))
        if len(unknown):
            asked = [architectures[index] for index in unknown.tolist()]
            values[unknown] = np.where(has_path(self.space, asked), self._estimated(asked), np.nan)
            self._predicted.update(asked)
        return values

    def bounds(self, architectures: Sequence[Architecture], level: float) -> tuple[FloatArray, FloatArray] | None:
        """Bounds (n,) in % that hold with the probability `level`, equal where it is known; None of a proxy."""
        if self.proxy is not None:
            return None
        lower = np.array([self.table.get(architecture.key, np.nan) for architecture in architectures])
        upper = lower.copy()
        unknown = np.flatnonzero(np.isnan(lower))
        if len(unknown) and self.predictor is not None:
            asked = [architectures[index] for index in unknown.tolist()]
            bounds = self.predictor.predictor.predict(asked).interval(level)
            # On a plateau of the way from scores to % the mean can lie beyond a quantile; and it is the mean that
            # `evaluate` gave, as that of another batch differs in its last digits.
            means = self.predictor.means(asked)
            lower[unknown] = np.minimum(bounds[0], means)
            upper[unknown] = np.maximum(bounds[1], means)
        return lower, upper

    def origin(self, architecture: Architecture) -> AccuracyOrigin:
        """Whether the accuracy is known or predicted in %, or a proxy, and that known or predicted."""
        is_known = architecture.key in self.table
        if self.proxy is None:
            return "table" if is_known else "predicted"
        return "predicted_proxy" if self.info.source == "zero_cost" and not is_known else "proxy"

    def _estimated(self, architectures: Sequence[Architecture]) -> FloatArray:
        if self.predictor is not None:
            return self.predictor.means(architectures)
        assert self.proxy is not None, f"{len(architectures)} architectures outside a table of the whole space"
        return self.proxy(architectures)


def choose_dataset(session: Session, space: SearchSpace, asked: str | None) -> str | None:
    """The data set whose accuracies count: the one asked for, else CIFAR-10, else any; None where there is none.

    Raises: InvalidRequestError for one that is asked for and not there.
    """
    stored, shipped = Accuracies(session).datasets(space.name), ShippedAccuracies().datasets(space.name)
    if asked is None:
        known = stored or shipped
        return _DEFAULT_DATASET if _DEFAULT_DATASET in known else next(iter(known), None)
    if asked not in (*stored, *shipped):
        listed = ", ".join(sorted({*stored, *shipped})) or "none; POST /admin/accuracies brings some"
        reason = f"no accuracies on {asked!r} for {space.name}; known data sets: {listed}"
        raise InvalidRequestError([FieldError(reason, pointer="/dataset")])
    return asked


def open_accuracy(
    session: Session, space: SearchSpace, dataset: str | None, asked: ChosenSource = "auto"
) -> AccuracySource:
    """Accuracies on a data set that `choose_dataset` chose.

    A predictor that is asked for by its name tells the accuracy of every architecture, also of those that are known.

    Raises: InvalidRequestError for a source that is asked for and not there.
    """
    keys, values = Accuracies(session).table(space.name, dataset) if dataset else ([], np.empty(0))
    source = choose_source(session, space, dataset, len(keys), asked)
    if source in PROXY_UNITS:
        return _proxy(session, space, source)
    predictor, held_out = None, None
    if source == "fitted":
        predictor = _fitted(space, keys, values)
    elif source == "pretrained":
        assert dataset is not None
        with _LOADING:
            predictor, held_out = _network(space.name, dataset)
    is_known = source == "table" or asked == "auto"
    table = dict(zip(keys, values.tolist(), strict=True)) if is_known else {}
    info = AccuracyInfo(source=source, dataset=dataset, known=len(keys), held_out=held_out, unit="%")
    return AccuracySource(info, space, table, predictor)


def check_source(session: Session, space: SearchSpace, dataset: str | None, asked: ChosenSource) -> None:
    """Return if the source is there. Raises: InvalidRequestError."""
    if asked != "auto":
        known = len(Accuracies(session).table(space.name, dataset)[0]) if dataset else 0
        choose_source(session, space, dataset, known, asked)


def choose_source(
    session: Session, space: SearchSpace, dataset: str | None, known: int, asked: ChosenSource
) -> _Source:
    """Where accuracies come from if so many are known.

    `auto` takes a table of the whole space; a few of one's own, where nothing else is known, make a predictor, and more
    of them take a network's place. Where nothing is known, a proxy stands in alone: the zero-cost score if that needs
    nothing computed, else the logarithm of the MACs.

    Raises: InvalidRequestError for a source that is asked for and not there.
    """
    has_network = dataset is not None and dataset in ShippedAccuracies().datasets(space.name)
    lacking: dict[ChosenSource, str] = {}
    if known < space.size:
        lacking["table"] = f"{known:,} of {space.size:,} architectures have a stored accuracy"
    if known < MIN_ACCURACIES:
        lacking["fitted"] = f"{known} accuracies are stored, and {MIN_ACCURACIES} are needed"
    if not has_network:
        lacking["pretrained"] = f"no network for {space.name} on {dataset} comes with archcast"
    if asked == "zero_cost" and (reason := why_no_score(session, space)):
        lacking["zero_cost"] = reason
    if asked in lacking:
        raise InvalidRequestError([FieldError(f"no {asked} accuracy: {lacking[asked]}", pointer="/accuracy_source")])
    if asked != "auto":
        return asked
    if "table" not in lacking:
        return "table"
    if known >= (ENOUGH_BESIDE_NETWORK if has_network else MIN_ACCURACIES):
        return "fitted"
    if has_network:
        return "pretrained"
    return "zero_cost" if stored_proxies(session, space).is_enough else "log10_macs"


def _proxy(session: Session, space: SearchSpace, source: _Source) -> AccuracySource:
    """What orders networks of which no accuracy is known."""
    unit = PROXY_UNITS[source]
    if source == "log10_macs":
        info = AccuracyInfo(source=source, dataset=None, known=0, unit=unit)
        return AccuracySource(info, space, {}, None, partial(_log10_live_macs, space))
    stored = stored_proxies(session, space)
    score, table = fitted_score(space, stored)
    proxies = ProxyInfo(members=list(MEMBERS), origin=stored.origin)
    info = AccuracyInfo(source=source, dataset=None, known=len(table), unit=unit, proxies=proxies)
    return AccuracySource(info, space, table, None, score.predict)


@lru_cache(maxsize=8)
def _network(space: str, dataset: str) -> tuple[Remembering, dict[str, Any]]:
    """The network of a data set, and its scores on architectures that it was not trained on."""
    network = ShippedAccuracies().load(get_space(space), dataset)
    return Remembering(network), network.metrics


def _fitted(space: SearchSpace, keys: Sequence[str], values: FloatArray) -> Remembering:
    """The predictor of a table; the same table is fitted once."""
    rows = np.linspace(0, len(keys) - 1, min(len(keys), MOST_FITTED)).astype(np.int64)
    with _FITTING:
        return _fit(space.name, tuple(keys[row] for row in rows.tolist()), tuple(values[rows].tolist()))


@lru_cache(maxsize=8)
def _fit(space: str, keys: tuple[str, ...], values: tuple[float, ...]) -> Remembering:
    known, encodings = get_space(space), encodings_for(get_space(space), transfer=pretrained.has_torch())
    architectures = [Architecture(space, key) for key in keys]
    return Remembering(fit_accuracy(known, architectures, np.array(values), encodings, on_progress=stop_if_left))


def _log10_live_macs(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    """MACs that reach the output: dead operations cost time and teach nothing."""
    return np.log10(np.maximum(live_macs(space, architectures), 1.0))
