"""The networks that come with archcast, trained on published latencies and accuracies.

What they are is read from the headers of their files, so that torch is loaded by those only who run one.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import predictors.graph
from predictors.manifest import read_manifest
from spaces import SearchSpace, get_space

if TYPE_CHECKING:
    from predictors.graph.pretrained import PretrainedTrunk
    from predictors.graph.pretrained_accuracy import PretrainedAccuracy

_FOLDER = Path(predictors.graph.__file__).with_name("artifacts")


class ShippedTrunks:
    """`Trunks` of this installation."""

    def digest(self, space: str) -> str | None:
        """What tells a network from its successors; None where the space has none or torch is missing."""
        return _digest(f"trunk-{space}") if has_torch() else None

    def absence(self, space: str) -> str:
        """Why there is none."""
        return f"no network for {space} comes with archcast" if has_torch() else "torch is not installed here"

    def load(self, space: SearchSpace) -> PretrainedTrunk:
        """The network of a space that has a digest; one for all devices, as it remembers what it was asked."""
        from predictors.graph.shipped import load_pretrained

        return load_pretrained(get_space(space.name), "trunk")


class ShippedAccuracies:
    """Networks that know the accuracies of a space."""

    def datasets(self, space: str) -> list[str]:
        """Data sets that they know, sorted; none where torch is missing."""
        return _datasets(f"flan-{space}") if has_torch() else []

    def load(self, space: SearchSpace, dataset: str) -> PretrainedAccuracy:
        """The network of a space and one of its data sets."""
        from predictors.graph.pretrained_accuracy import load_pretrained_accuracy

        return load_pretrained_accuracy(get_space(space.name), dataset)


@cache
def has_torch() -> bool:
    """Whether networks can run here."""
    return find_spec("torch") is not None


@cache
def _digest(name: str) -> str | None:
    path = _FOLDER / f"{name}.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


@cache
def _datasets(name: str) -> list[str]:
    path = _FOLDER / f"{name}.safetensors"
    return sorted(read_manifest(path.read_bytes())["series"]) if path.is_file() else []
