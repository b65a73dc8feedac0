"""The columns that closed-form predictors read: costs and one-hot encodings, standardised over the space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from arch_encodings import ENCODERS
from predictors import kernel_costs
from spaces.base import Architecture, FloatArray, SearchSpace

GROUPS: Final = ("intercept", "work", "total", "count", "live", "position", "kernel")
_WORK: Final = ("total:macs", "total:log_macs", "total:live_macs")
_REFERENCE_SIZE: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """Standardised columns of one space, the intercept first.

    A group's columns are scaled by 1 / sqrt(its size), so that a prior variance means the same for every group. The
    statistics come from a fixed sample of the space without any label.

    Attributes:
        names: (d,) of the columns.
        groups: (d,) index into `GROUPS`.
        reference: (m, d) the columns of the sample, for statistics over the space.
    """

    space: SearchSpace
    names: tuple[str, ...]
    groups: tuple[int, ...]
    reference: FloatArray
    _mean: FloatArray
    _scale: FloatArray
    _columns: np.ndarray

    def __call__(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, d) float64."""
        raw = _raw(self.space, architectures)[:, self._columns]
        return _standardised(raw, self._mean, self._scale)


@lru_cache(maxsize=16)
def feature_map(space: SearchSpace) -> FeatureMap:
    """The feature map of a space; constant columns are left out."""
    size = min(_REFERENCE_SIZE, space.size)
    raw = _raw(space, space.sample(size, rng=np.random.default_rng(0)))
    names = [
        *(("cost", name) for name in ENCODERS["cost"].feature_names(space)),
        *(("one_hot", name) for name in ENCODERS["one_hot"].feature_names(space)),
        *(("kernel", name) for name in kernel_costs.NAMES),
    ]
    memberships = [
        (column, GROUPS.index(group))
        for column, (encoder, name) in enumerate(names)
        for group in _groups_of(encoder, name)
        if np.ptp(raw[:, column]) > 0
    ]
    columns = np.array([column for column, _ in memberships])
    groups = np.array([group for _, group in memberships])
    group_sizes = np.bincount(groups, minlength=len(GROUPS))
    mean = raw[:, columns].mean(axis=0)
    scale = 1 / (raw[:, columns].std(axis=0) * np.sqrt(group_sizes[groups]))
    return FeatureMap(
        space=space,
        names=("intercept", *(f"{GROUPS[group]}:{names[column][1]}" for column, group in memberships)),
        groups=(0, *groups.tolist()),
        reference=_standardised(raw[:, columns], mean, scale),
        _mean=mean,
        _scale=scale,
        _columns=columns,
    )


def _standardised(raw: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    return np.concatenate([np.ones((len(raw), 1)), (raw - mean) * scale], axis=1)


def _raw(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    encoded = [ENCODERS[name].encode(space, architectures) for name in ("cost", "one_hot")]
    return np.concatenate([*encoded, kernel_costs.kernel_costs(space, architectures)], axis=1)


def _groups_of(encoder: str, name: str) -> tuple[str, ...]:
    """Groups of a column: MACs stand in two, once with a prior of their own."""
    if encoder == "one_hot":
        return ("position",)
    if encoder == "kernel":
        return ("kernel",)
    group = name.split(":", 1)[0]
    if group == "layer":
        return ()
    return ("work", "total") if name in _WORK else (group,)
