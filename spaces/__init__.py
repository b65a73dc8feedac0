"""What can be built: architectures, their graphs and workloads, one search space per file."""

from typing import Final

from spaces.base import (
    AdditiveSpace,
    ArchGraph,
    Architecture,
    Layer,
    LayerKind,
    Notation,
    Part,
    SearchSpace,
    Workload,
    has_classes,
    is_additive,
    is_enumerable,
    is_product,
)
from spaces.errors import (
    IndexUnavailableError,
    InvalidArchitectureError,
    NotEnumerableError,
    SpaceError,
    UnknownLayerGroupError,
    UnknownSpaceError,
)
from spaces.fbnet import Fbnet
from spaces.fbnet_layers import IMAGENET
from spaces.nb101 import Nb101
from spaces.nb201 import Nb201
from spaces.nb301 import Nb301
from spaces.nds import Nds
from spaces.nds_cells import FAMILIES
from spaces.ofa import Ofa
from spaces.tnb101_macro import Tnb101Macro
from spaces.tnb101_micro import Tnb101Micro

SPACES: Final[dict[str, SearchSpace]] = {
    "nb201": Nb201(),
    "fbnet": Fbnet(),
    "fbnet_imagenet": Fbnet(IMAGENET),
    "nb101": Nb101(),
    "nb301": Nb301(),
    **{family.name: Nds(family) for family in FAMILIES},
    "ofa": Ofa(),
    "tnb101_micro": Tnb101Micro(),
    "tnb101_macro": Tnb101Macro(),
}


def get_space(name: str) -> SearchSpace:
    """The search space of that name. Raises: UnknownSpaceError."""
    try:
        return SPACES[name]
    except (KeyError, TypeError):
        raise UnknownSpaceError(name, sorted(SPACES)) from None


__all__ = [
    "SPACES",
    "AdditiveSpace",
    "ArchGraph",
    "Architecture",
    "Fbnet",
    "IndexUnavailableError",
    "InvalidArchitectureError",
    "Layer",
    "LayerKind",
    "Nb101",
    "Nb201",
    "Nb301",
    "Nds",
    "NotEnumerableError",
    "Notation",
    "Ofa",
    "Part",
    "SearchSpace",
    "SpaceError",
    "Tnb101Macro",
    "Tnb101Micro",
    "UnknownLayerGroupError",
    "UnknownSpaceError",
    "Workload",
    "get_space",
    "has_classes",
    "is_additive",
    "is_enumerable",
    "is_product",
]
