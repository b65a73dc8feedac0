"""From architectures to a table of proxies, by the fewest passes over each network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from typing import Final

import numpy as np
import torch

from arch_encodings.errors import UnknownProxyError
from arch_encodings.zero_cost.counts import count, weight_norm
from arch_encodings.zero_cost.inputs import Batch, make_batch
from arch_encodings.zero_cost.loss_pass import loss_pass
from arch_encodings.zero_cost.settings import ProxySettings
from arch_encodings.zero_cost.subject import Subject
from arch_encodings.zero_cost.synflow import synflow
from arch_encodings.zero_cost.zen import zen
from spaces.base import Architecture, FloatArray, SearchSpace, Workload

# A pass gives at least those of the named proxies that it is responsible for.
Pass = Callable[[Subject, frozenset[str]], dict[str, float]]

# Each proxy with the pass that gives it; proxies of one pass share their runs of the network.
PROXIES: Final[dict[str, Pass]] = {
    "epe_nas": loss_pass,
    "fisher": loss_pass,
    "flops": count,
    "grad_norm": loss_pass,
    "grasp": loss_pass,
    "jacov": loss_pass,
    "l2_norm": weight_norm,
    "nwot": loss_pass,
    "params": count,
    "plain": loss_pass,
    "snip": loss_pass,
    "synflow": synflow,
    "zen": zen,
}


def compute_proxies(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    names: Iterable[str] | None = None,
    *,
    settings: ProxySettings | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """Zero-cost proxies of untrained networks, on the CPU.

    Row i belongs to architecture i and depends on it and the settings alone: a batch equals its singles, a subset of
    the proxies the columns of all, and torch's global generator is neither read nor changed.

    Args:
        names: proxies of `PROXIES` in the order of the columns; default all.
        settings: default those of the space's reference values, seed 0.
        on_progress: called with (done, total) after each architecture.
    Returns: (n, names) float64; NaN where a proxy is undefined, as on a network whose output ignores its input.
    Raises: UnknownProxyError; InvalidArchitectureError for an architecture of another space.
    """
    chosen = tuple(PROXIES) if names is None else tuple(names)
    for name in chosen:
        if name not in PROXIES:
            raise UnknownProxyError(name, tuple(PROXIES))
    settings = settings or ProxySettings.of_space(space.name)
    space.decisions(architectures)  # refuses other spaces' architectures before the first is computed
    values = np.empty((len(architectures), len(chosen)))
    batch_of = cache(partial(_last_batch, settings))  # one for all networks of a form, and only if a pass asks for it
    for row, architecture in enumerate(architectures):
        shape, classes = _form(space.workload(architecture))
        subject = Subject(
            architecture,
            (settings.batch_size, *shape),
            partial(batch_of, shape, classes),
            settings.initialization,
            settings.seed,
        )
        values[row] = _row(subject, chosen)
        if on_progress is not None:
            on_progress(row + 1, len(architectures))
    return values


def _row(subject: Subject, names: tuple[str, ...]) -> Sequence[float]:
    found: dict[str, float] = {}
    for run in dict.fromkeys(PROXIES[name] for name in names):
        found |= run(subject, frozenset(name for name in names if PROXIES[name] is run))
    return [found[name] for name in names]


@lru_cache(maxsize=1)  # large images take longer than a network's run, and searches ask for one network at a time
def _last_batch(settings: ProxySettings, shape: tuple[int, ...], classes: int) -> Batch:
    generator = torch.Generator().manual_seed(settings.seed)
    return make_batch(settings.images, (settings.batch_size, *shape), classes, generator=generator)


def _form(workload: Workload) -> tuple[tuple[int, ...], int]:
    """Shape of one sample, and the number of classes: what the last linear layer gives."""
    classifier = next(layer for layer in reversed(workload.layers) if layer.kind == "linear")
    return workload.input_shape, classifier.out_channels
