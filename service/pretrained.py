"""The networks that come with archcast, trained on the timings of public devices."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from spaces import SearchSpace

if TYPE_CHECKING:
    from predictors.graph.pretrained import PretrainedTrunk


class ShippedTrunks:
    """`Trunks` of this installation."""

    def digest(self, space: str) -> str | None:
        """What tells a network from its successors; None where the space has none or torch is missing."""
        return None

    def absence(self, space: str) -> str:
        """Why there is none."""
        if find_spec("torch") is None:
            return "torch is not installed"
        return f"no network for {space} comes with archcast"

    def load(self, space: SearchSpace) -> PretrainedTrunk:
        """The network of a space that has a digest."""
        raise NotImplementedError
