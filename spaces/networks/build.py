"""From an architecture of any space to its torch network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from torch import nn

from spaces import get_space
from spaces.base import Architecture
from spaces.fbnet_layers import CIFAR100, IMAGENET
from spaces.nds_cells import FAMILIES
from spaces.networks.fbnet import FbnetNetwork
from spaces.networks.nb101 import Nb101Network
from spaces.networks.nb201 import Nb201Network
from spaces.networks.nb301 import Nb301Network
from spaces.networks.nds import NdsNetwork
from spaces.networks.ofa import OfaNetwork
from spaces.networks.tnb101 import Tnb101MacroNetwork, Tnb101MicroNetwork

# For each search space the module of an architecture's choices.
NETWORKS: Final[dict[str, Callable[[Sequence[int]], nn.Module]]] = {
    "nb201": Nb201Network,
    "fbnet": partial(FbnetNetwork, macro=CIFAR100),
    "fbnet_imagenet": partial(FbnetNetwork, macro=IMAGENET),
    "nb101": Nb101Network,
    "nb301": Nb301Network,
    **{family.name: partial(NdsNetwork, family=family) for family in FAMILIES},
    "ofa": OfaNetwork,
    "tnb101_micro": Tnb101MicroNetwork,
    "tnb101_macro": Tnb101MacroNetwork,
}


def build_network(architecture: Architecture) -> nn.Module:
    """The network of an architecture, untrained and in training mode; weights come from torch's global generator.

    Raises: UnknownSpaceError; InvalidArchitectureError for a key that is not canonical.
    """
    row = get_space(architecture.space).decisions([architecture])[0].tolist()
    return NETWORKS[architecture.space](row)
