"""Groups of a network's layers, the same for every architecture of a space.

A layer's group is the first part of its name: `stem`, `stage0` to `stage2` and `head` in NAS-Bench-201, say; a space
lists its own as `layer_groups`. `body` stands for all groups but `stem` and `head` that are not named beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Protocol

from spaces.base import Layer
from spaces.errors import UnknownLayerGroupError

BODY: Final = "body"
# Which every network of a space has, with layers of the same kinds; those that users bring may have neither.
ENDS: Final = frozenset({"stem", "head"})


def layer_group(layer: Layer) -> str:
    """The group that the layer belongs to."""
    return layer.name.partition(".")[0]


def layers_of(layers: Iterable[Layer], groups: Collection[str]) -> tuple[Layer, ...]:
    """Those of the layers that belong to one of the groups, in their order."""
    return tuple(layer for layer in layers if layer_group(layer) in groups)


class HasLayerGroups(Protocol):
    """A search space, or a network of its own."""

    @property
    def name(self) -> str:
        """Of the space or network."""
        ...

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """In the order of the network."""
        ...


def covered_groups(space: HasLayerGroups, names: Collection[str]) -> dict[str, frozenset[str]]:
    """The groups that each name stands for; no group has two names.

    Args: names: groups of the space, or `body`.
    Raises: UnknownLayerGroupError for another name, and for `body` where nothing of it is left.
    """
    return {name: _covered(space, name, names) for name in names}


def _covered(space: HasLayerGroups, name: str, names: Collection[str]) -> frozenset[str]:
    if name in space.layer_groups:
        return frozenset({name})
    if name != BODY:
        known = ", ".join([*space.layer_groups, BODY])
        raise UnknownLayerGroupError(space.name, name, f"known: {known}")
    left = frozenset(space.layer_groups) - ENDS - frozenset(names)
    if not left:
        raise UnknownLayerGroupError(space.name, name, "each group that it stands for is named beside it")
    return left
