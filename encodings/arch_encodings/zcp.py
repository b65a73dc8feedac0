"""Zero-cost encoding: proxies of the untrained network, each on a scale that a predictor can use.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02484 (FLAN), whose encoding of this name has 13 columns. The logarithms
are theirs; here grasp and jacov, of both signs and heavy tails, have one as well. Their minima and maxima over a whole
space are left to `fit_normalizer`, which sees training architectures only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from spaces.base import Architecture, FloatArray, SearchSpace


class ProxySource(Protocol):
    """Where raw proxies come from.

    Contract: row i belongs to architecture i and does not depend on the others; NaN where a proxy is undefined.
    """

    def __call__(
        self, space: SearchSpace, architectures: Sequence[Architecture], names: Sequence[str], /
    ) -> FloatArray:
        """(n, names) raw values, see `zero_cost.compute_proxies`."""
        ...


class Scale(NamedTuple):
    """How a raw proxy becomes a column.

    Attributes:
        transform: of the raw values.
        undefined: raw value that stands for an undefined one.
    """

    transform: Callable[[FloatArray], FloatArray]
    undefined: float = 0.0


def signed_log(values: FloatArray) -> FloatArray:
    """sign(x) log(1 + |x|), elementwise."""
    return np.sign(values) * np.log1p(np.abs(values))


# A proxy is undefined where the output ignores the input. What stands for it is the limit of samples that the network
# treats ever more alike: nothing, and for jacov minus 1e5 for each sample but one of the batch, here a hundred.
SCALES: Final[dict[str, Scale]] = {
    "epe_nas": Scale(np.asarray),
    "fisher": Scale(np.log1p),
    "flops": Scale(np.log1p),
    "grad_norm": Scale(np.log1p),
    "grasp": Scale(signed_log),
    "jacov": Scale(signed_log, undefined=-1e7),
    "l2_norm": Scale(np.asarray),
    "nwot": Scale(np.asarray),
    "params": Scale(np.log1p),
    "plain": Scale(np.asarray),
    "snip": Scale(np.log1p),
    "synflow": Scale(np.log1p),
    "zen": Scale(np.asarray),
}


def scale_proxies(raw: FloatArray, names: Sequence[str]) -> FloatArray:
    """(n, names) finite columns from raw proxies of that shape, NaN where undefined."""
    scales = [SCALES[name] for name in names]
    defined = np.where(np.isfinite(raw), raw, [scale.undefined for scale in scales])
    return np.column_stack([scale.transform(column) for scale, column in zip(scales, defined.T, strict=True)])


def compute_reference_proxies(
    space: SearchSpace, architectures: Sequence[Architecture], names: Sequence[str]
) -> FloatArray:
    """Proxies computed anew with the settings of the space's reference values, seconds for each architecture."""
    from arch_encodings.zero_cost import compute_proxies  # brings torch

    return compute_proxies(space, architectures, names)


class Zcp:
    """Thirteen zero-cost proxies on scales for predictors, (n, 13); seconds for each architecture unless kept before.

    Logarithms of fisher, flops, grad_norm, params, snip and synflow, signed ones of grasp and jacov, the others as they
    are. Undefined proxies get the value of a network that treats all samples alike.

    Args:
        source: of the raw values; by default they are computed at each call.
        proxies: which, in the order of the columns.
    """

    name = "zcp"

    def __init__(self, source: ProxySource = compute_reference_proxies, proxies: Sequence[str] = tuple(SCALES)):
        self._source = source
        self._proxies = tuple(proxies)

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """`zcp:proxy`."""
        del space
        return tuple(f"{self.name}:{proxy}" for proxy in self._proxies)

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        space.decisions(architectures)  # refuses other spaces' architectures, which a source may not know apart
        return scale_proxies(self._source(space, architectures, self._proxies), self._proxies)
