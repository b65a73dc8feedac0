"""Zero-cost proxies: 13 numbers of an untrained network, from the real torch modules. Importing this needs torch."""

from arch_encodings.zero_cost.compute import PROXIES, compute_proxies
from arch_encodings.zero_cost.inputs import INPUTS
from arch_encodings.zero_cost.settings import ProxySettings
from arch_encodings.zero_cost.subject import INITIALIZATIONS

__all__ = ["INITIALIZATIONS", "INPUTS", "PROXIES", "ProxySettings", "compute_proxies"]
