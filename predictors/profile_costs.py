"""A fit of layers' costs to what each kernel of timed networks took.

    latency(network) = factor * sum over its layers of sum_k w_k f_k(layer),  w >= 0

A profile tells apart what a sum over a network cannot: a launch from its work, a pool from the convolution before it.
Every part of `PARTS` is fitted by itself to its own kernels, distinct layers of relative error with a ridge that draws
towards what launches, bytes and multiply-accumulates cost on average; a part that was never timed costs just that. The
factor is what runs between layers, such as changes of layout and of number format, and what the profile leaves out.

Of what runs next to each other one thing is seen: a norm or an activation right behind its product, in the same module,
is a part of its own, `fused`, since a runtime may do it on the way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from predictors.base import MIN_SAMPLES
from predictors.student import spread_of
from spaces.base import FloatArray, Layer

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "product": ("launch", "bytes", "weights", "macs", "macs:window", "macs:grouped"),
    "depthwise": ("launch", "bytes", "macs"),
    "linear": ("launch", "bytes", "weights", "macs"),
    "elementwise": ("launch", "bytes"),
    "unlearned": ("launch", "bytes"),  # norms over neighbours or samples, which no product can take in
    "fused": ("launch", "bytes"),
    "pool": ("launch", "bytes", "macs"),
    "copy": ("launch", "bytes"),
}
PARTS: Final = tuple(_COLUMNS)
_PART_OF_KIND: Final = {
    **dict.fromkeys(("add", "activation", "norm"), "elementwise"),
    **dict.fromkeys(("linear", "matmul"), "linear"),
    **dict.fromkeys(("shuffle", "concat", "slice"), "copy"),
    "conv": "product",
    "pool": "pool",
}
_WIDTH: Final = max(map(len, _COLUMNS.values()))
_UNITS: Final = ("launch", "bytes", "macs")
# Of these a kernel may be missing because another one does the work; of the others it is the profile that lacks it.
_MAY_COST_NOTHING: Final = ("elementwise", "fused")
_RIDGE: Final = 1e-2
_SHORTEST_MS: Final = 2e-3  # the clock's grain and a launch: errors of shorter kernels are relative to it
_LEAST_SCALE: Final = 1e-3
_LEAST_SPREAD: Final = 0.01
_SMALLEST: Final = np.array([1e-4, 1e-11, 1e-12])  # ms per launch, byte and MAC: no part is free before it was timed


@dataclass(frozen=True, slots=True, eq=False)
class ProfiledNetwork:
    """What a timed network's kernels took.

    Attributes:
        layers: of one run of `batch` samples.
        layer_ms: (layers,) what each layer's kernel took; 0 of one that ran with another or is missing.
        latency_ms: of the whole network.
    """

    layers: Sequence[Layer]
    batch: int
    layer_ms: FloatArray
    latency_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class ProfileCosts:
    """Fitted costs.

    Attributes:
        weights: (parts, columns) ms per unit.
        factor: of the sum.
        spread: typical relative error of a network's total, within the families that were fitted.
        between: the largest typical error of a family that is predicted from the others; 0 of a single one.
        dearest_ms: per byte, of the dearest part that is well known: what one that is not may well cost.
    """

    weights: FloatArray
    factor: float
    spread: float = 0.0
    between: float = 0.0
    dearest_ms: float = 0.0

    def layer_ms(self, layers: Sequence[Layer], batch: int = 1) -> FloatArray:
        """(layers,) what each layer adds to the latency."""
        parts, columns = kernel_columns(layers, batch)
        return self.factor * (columns * self.weights[parts]).sum(axis=1)

    def total_ms(self, table: tuple[NDArray[np.int64], FloatArray]) -> float:
        """Latency of a network. Args: table: its `kernel_columns`."""
        parts, columns = table
        return self.factor * float((columns * self.weights[parts]).sum())


def part_names(layers: Sequence[Layer]) -> Iterator[str]:
    """The part of each layer."""
    product = None  # whose norm or activation may come next
    for layer in layers:
        place = (layer.name.rpartition(".")[0], layer.out_channels, layer.out_elements)
        if layer.kind in ("conv", "linear"):
            product = place
            yield "depthwise" if layer.kind == "conv" and 1 < layer.groups == layer.in_channels else _of_kind(layer)
        elif place == product and _is_per_element(layer):
            yield "fused"
        else:
            product = None
            yield _of_kind(layer)


def kernel_columns(layers: Sequence[Layer], batch: int = 1) -> tuple[NDArray[np.int64], FloatArray]:
    """(layers,) number of each layer's part, and (layers, columns) that part's columns, zeros behind them."""
    parts = list(part_names(layers))
    columns = np.zeros((len(layers), _WIDTH))
    for row, part, layer in zip(columns, parts, layers, strict=True):
        row[: len(_COLUMNS[part])] = _row(layer, part, batch)
    return np.array([PARTS.index(part) for part in parts], dtype=np.int64), columns


def fit_profile_costs(networks: Sequence[ProfiledNetwork], families: Sequence[str]) -> ProfileCosts:
    """Costs of the networks' kernels; a fraction of a second for hundreds of networks.

    Args:
        networks: at least one.
        families: (n,) of each network; the factor is as much one family's as another's.
    """
    tables = [kernel_columns(network.layers, network.batch) for network in networks]
    names = np.array(families)
    costs = _fit(networks, tables, names)
    predicted = np.array([costs.total_ms(table) for table in tables])
    latency_ms = np.array([network.latency_ms for network in networks])
    errors = (predicted - latency_ms) / predicted
    spread = float(np.mean([spread_of(errors[names == name]) for name in np.unique(names)]))
    return replace(costs, spread=max(spread, _LEAST_SPREAD), between=_between(networks, tables, names, latency_ms))


def _between(
    networks: Sequence[ProfiledNetwork],
    tables: Sequence[tuple[NDArray[np.int64], FloatArray]],
    names: NDArray[np.str_],
    latency_ms: FloatArray,
) -> float:
    """The largest typical error of a family of some size that is predicted from the others; 0 where there is none."""
    typical = [0.0]
    for name in np.unique(names):
        own, others = np.flatnonzero(names == name).tolist(), np.flatnonzero(names != name).tolist()
        if min(len(own), len(others)) >= MIN_SAMPLES:
            costs = _fit([networks[one] for one in others], [tables[one] for one in others], names[others])
            ratio = np.array([costs.total_ms(tables[one]) for one in own]) / latency_ms[own]
            typical.append(_typical_error(np.maximum(ratio, 1 / ratio) - 1))
    return max(typical)


def _fit(
    networks: Sequence[ProfiledNetwork],
    tables: Sequence[tuple[NDArray[np.int64], FloatArray]],
    names: NDArray[np.str_],
) -> ProfileCosts:
    seen: dict[tuple[float, ...], list[float]] = defaultdict(list)
    for network, (parts, columns) in zip(networks, tables, strict=True):
        for part, row, took_ms in zip(parts.tolist(), columns.tolist(), network.layer_ms.tolist(), strict=True):
            if took_ms > 0 or PARTS[part] in _MAY_COST_NOTHING:
                seen[part, *row].append(took_ms)
    keys = np.array(list(seen)).reshape(len(seen), 1 + _WIDTH)
    parts, columns = keys[:, 0].astype(np.int64), keys[:, 1:]
    mean_ms = np.array([np.mean(values) for values in seen.values()], dtype=np.float64)
    counts = np.array([len(values) for values in seen.values()], dtype=np.float64)
    typical = _typical(parts, columns, mean_ms)
    weights = np.zeros((len(PARTS), _WIDTH))
    for part, name in enumerate(PARTS):
        prior = np.array([typical[_UNITS.index(_unit(column))] for column in _COLUMNS[name]])
        prior[[index for index, column in enumerate(_COLUMNS[name]) if column == "macs:window"]] *= 0.1
        own = parts == part
        weights[part, : len(prior)] = _solve(columns[own, : len(prior)], mean_ms[own], counts[own], prior)
    costs = ProfileCosts(weights, 1.0, dearest_ms=_dearest_ms(parts, columns, mean_ms))
    latency_ms = np.array([network.latency_ms for network in networks])
    ratios = np.log(latency_ms / np.array([costs.total_ms(table) for table in tables]))
    medians = [np.median(ratios[names == name]) for name in np.unique(names)]
    return replace(costs, factor=float(np.exp(np.mean(medians))))


def _dearest_ms(parts: NDArray[np.int64], columns: FloatArray, mean_ms: FloatArray) -> float:
    """What a byte typically takes in the dearest part of which enough different kernels were timed."""
    weights = np.array(["weights" in _COLUMNS[name] for name in PARTS])[parts] * columns[:, 2]
    per_byte = mean_ms / np.maximum(columns[:, 1] + weights, 1.0)
    typical = [np.median(per_byte[parts == part]) for part in range(len(PARTS)) if (parts == part).sum() >= MIN_SAMPLES]
    return float(max(typical, default=0.0))


def _typical_error(errors: FloatArray) -> float:
    """The quantile that 68 % of a normal lie below."""
    return float(np.quantile(np.abs(errors), 0.683))


def _typical(parts: NDArray[np.int64], columns: FloatArray, mean_ms: FloatArray) -> FloatArray:
    """(3,) what a launch, a byte and a MAC cost over all parts but the one that may cost nothing at all."""
    totals = np.zeros((len(parts), len(_UNITS)))
    for part, name in enumerate(PARTS):
        for index, column in enumerate(_COLUMNS[name]):
            if column != "macs:window":  # counted once, as `macs`
                totals[parts == part, _UNITS.index(_unit(column))] += columns[parts == part, index]
    counted = parts != PARTS.index("fused")
    weight = 1 / np.maximum(mean_ms[counted], _SHORTEST_MS)
    return np.maximum(nnls(totals[counted] * weight[:, None], mean_ms[counted] * weight)[0], _SMALLEST)


def _solve(columns: FloatArray, mean_ms: FloatArray, counts: FloatArray, prior: FloatArray) -> FloatArray:
    """(d,) costs of one part: of relative errors, distinct layers by the root of how often they were timed."""
    if not len(columns):
        return prior
    trust = counts**0.25 / np.sqrt(np.sqrt(counts).sum()) / np.maximum(mean_ms, _SHORTEST_MS)
    expected = columns @ prior * trust
    prior = prior * max(expected @ (mean_ms * trust) / (expected @ expected), _LEAST_SCALE)
    ridge = np.sqrt(_RIDGE) * np.eye(len(prior))
    stacked = np.concatenate([columns * prior * trust[:, None], ridge])
    wanted = np.concatenate([mean_ms * trust, np.full(len(prior), np.sqrt(_RIDGE))])
    return nnls(stacked, wanted)[0] * prior


def _unit(column: str) -> str:
    return "bytes" if column == "weights" else column.partition(":")[0]


def _of_kind(layer: Layer) -> str:
    return "unlearned" if layer.kind == "norm" and not layer.is_affine else _PART_OF_KIND[layer.kind]


def _is_per_element(layer: Layer) -> bool:
    """Whether an output value depends on one value of one map, and so can be had where a product writes it."""
    return layer.inputs == 1 and (layer.kind == "activation" or (layer.kind == "norm" and layer.is_affine))


def _row(layer: Layer, part: str, batch: int) -> list[float]:
    maps = 4.0 * batch * (layer.in_elements + layer.out_elements)
    weights = 4.0 * layer.params
    macs = float(batch * layer.macs)
    if part == "product":
        is_grouped = layer.groups > 1
        filled = 0.0 if is_grouped else macs * _filled(layer.in_channels) * _filled(layer.out_channels)
        return [1.0, maps, weights, filled, filled * (layer.kernel_area > 1), macs * is_grouped]
    if part == "linear":
        return [1.0, maps, weights, macs]
    if part == "depthwise":
        return [1.0, maps + weights, macs]
    if part == "pool":
        return [1.0, maps, float(batch * layer.out_elements * layer.kernel_area)]
    return [1.0, maps + weights]


def _filled(channels: int) -> float:
    """By what factor whole vectors of channels are more than the channels: of 16, of 8 where there are few."""
    vector = 8 if channels <= 16 else 16
    return -(-channels // vector) * vector / channels
