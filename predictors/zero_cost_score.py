"""An ensemble of two zero-cost numbers: NWOT of the untrained network and the MACs that reach its output.

NWOT (Mellor et al. 2021, arXiv 2006.04647) tells how differently the network's activations treat the samples of a
batch. Ensembles of zero-cost proxies are steadier over spaces than any single one (Abdelfattah et al. 2021, arXiv
2101.08134, let three of them vote; Lee & Ham 2024, arXiv 2403.19232, add up logarithms of ranks). Different here: the
members are the two whose average orders the spaces other than NAS-Bench-201 best (`benchmarks/zero_cost_ensemble.py`),
and they are averaged on a scale that, unlike ranks, goes on beyond the architectures that it was made of, where a
search looks.

What NWOT is not known of is told by ridge regression on what the layers cost; MACs are always known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from arch_encodings import ENCODERS, Normalizer, fit_normalizer, live_macs
from predictors.errors import TooFewSamplesError
from spaces.base import Architecture, FloatArray, SearchSpace

if TYPE_CHECKING:
    from sklearn.linear_model import RidgeCV

MEMBERS: Final = ("nwot", "log10_live_macs")
PROXY: Final = "nwot"
# From so many NWOTs those of others follow nearly as well as they ever do, and from half of them well enough.
ENOUGH: Final = 64
FEWEST: Final = 32
_PENALTIES: Final = np.logspace(-3, 4, 15)
_ENCODER: Final = "cost"
# Of a normal distribution these are one deviation below and above the median.
_QUANTILES: Final = (0.1587, 0.5, 0.8413)


@dataclass(frozen=True, slots=True)
class Deviations:
    """The deviations by which values lie above the median of a sample; outliers hardly move it."""

    median: float
    deviation: float

    @classmethod
    def of(cls, values: FloatArray) -> Deviations:
        """From a sample (n,)."""
        low, median, high = np.quantile(values, _QUANTILES).tolist()
        return cls(median, (high - low) / 2 or 1.0)

    def __call__(self, values: FloatArray) -> FloatArray:
        """(n,) of values (n,)."""
        return (values - self.median) / self.deviation


@dataclass(frozen=True, slots=True, eq=False)
class ZeroCostScore:
    """The score of one space, fitted to architectures with a known NWOT; read-only and thread-safe.

    It is 0 for the median of these and 1 about one standard deviation above it, without an upper bound. A batch equals
    its singles up to rounding. See `fit_zero_cost_score`.

    Attributes:
        samples: architectures that it was fitted on.
    """

    space: SearchSpace
    samples: int
    _nwot: Deviations
    _macs: Deviations
    _columns: Normalizer
    _ridge: RidgeCV

    def score(self, architectures: Sequence[Architecture], nwot: FloatArray) -> FloatArray:
        """(n,) from the known NWOTs (n,) of the architectures."""
        return (self._nwot(nwot) + self._macs(_log10_live_macs(self.space, architectures))) / 2

    def predict(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n,) scores with the NWOT that the fit expects."""
        if not architectures:
            return np.empty(0)
        columns = self._columns.apply(ENCODERS[_ENCODER].encode(self.space, architectures))
        expected: Any = self._ridge.predict(columns)
        return self.score(architectures, expected)


def fit_zero_cost_score(space: SearchSpace, architectures: Sequence[Architecture], nwot: FloatArray) -> ZeroCostScore:
    """Fit to known NWOTs, a fraction of a second.

    Args:
        architectures: n >= `FEWEST` of the space, without a choice by accuracy or cost: they stand for the space.
        nwot: (n,) finite.

    Raises: TooFewSamplesError.
    """
    from sklearn.linear_model import RidgeCV

    if len(architectures) < FEWEST:
        raise TooFewSamplesError(FEWEST, len(architectures))
    normalizer = fit_normalizer(ENCODERS[_ENCODER], space, architectures)
    columns = normalizer.apply(ENCODERS[_ENCODER].encode(space, architectures))
    macs = Deviations.of(_log10_live_macs(space, architectures))
    ridge = RidgeCV(_PENALTIES).fit(columns, nwot)
    return ZeroCostScore(space, len(architectures), Deviations.of(nwot), macs, normalizer, ridge)


def _log10_live_macs(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    return np.log10(np.maximum(live_macs(space, architectures), 1.0))
