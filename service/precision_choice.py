"""What a chosen precision, of a whole network or of groups of its layers, makes of a hardware description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.device_costs import SimulatedCosts
from spaces import SearchSpace
from targets import MixedPrecision, build_target, vary_hardware

# How the members of a request's `precision` are called in a hardware description. None has keys of these names, so
# whoever changes keys may use them, too.
_KEYS: Final = {"weight_bits": "native_weight_bits", "activation_bits": "native_activation_bits"}
WEIGHT_KEYS: Final = frozenset({"native_weight_bits", "weight_format"})


def hardware_changes(precision: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of the hardware description that members of a request's `precision` or changed keys stand for."""
    return {_KEYS.get(key, key): value for key, value in precision.items()}


def group_changes(network: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    """The network's changes with a group's on top; a width of weights takes the place of a format, and the reverse."""
    replaced = WEIGHT_KEYS if WEIGHT_KEYS & group.keys() else frozenset()
    return {key: value for key, value in network.items() if key not in replaced} | dict(group)


def mixed_costs(
    description: Mapping[str, object],
    network: Mapping[str, Any],
    groups: Mapping[frozenset[str], Mapping[str, Any]],
    space: SearchSpace,
) -> SimulatedCosts:
    """Costs on hardware with changed keys.

    Args:
        network: changes that hold for all layers.
        groups: further changes for the layers of some groups.

    Raises: TargetError, among them NotAdditiveError for groups on hardware that has no costs of single layers.
    """
    of_group = {names: vary_hardware(description, group_changes(network, own)) for names, own in groups.items()}
    rest = frozenset(space.layer_groups).difference(*of_group)
    if not of_group:
        hardware = vary_hardware(description, network)
        return SimulatedCosts(build_target(hardware), space, hardware.number_format)
    others = vary_hardware(description, network) if rest else None
    built = {names: build_target(hardware) for names, hardware in of_group.items()}
    target = MixedPrecision.of(built, None if others is None else build_target(others))
    hardware_of = of_group if others is None else {**of_group, rest: others}
    formats = {names: found for names, each in hardware_of.items() if (found := each.number_format) is not None}
    return SimulatedCosts(target, space, formats if len(formats) == len(hardware_of) else None)
