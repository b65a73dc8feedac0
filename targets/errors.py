"""Errors of the package `targets`.

TargetError
├── UnknownTargetError         no cost model of that name
├── UnknownHardwareError       no hardware of that name in the catalogue
├── InvalidHardwareError       a hardware description that cannot be used, with the keys at fault
├── UnsupportedPrecisionError  operands wider than the hardware computes with
├── UnsupportedLayerError      a layer that the hardware cannot run
└── RefusedNetworkError        a network that gets no cost on this hardware, where another one may
    └── NotFittingError        it takes more than a configurable part has
"""

from collections.abc import Sequence


class TargetError(Exception):
    """Base of every error that `targets` raises on purpose."""


class UnknownTargetError(TargetError):
    """No cost model of that name is registered."""

    def __init__(self, name: str, known: Sequence[str]):
        super().__init__(f"unknown target {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = list(known)


class UnknownHardwareError(TargetError):
    """The catalogue has no hardware of that name."""

    def __init__(self, name: str, known: Sequence[str]):
        super().__init__(f"unknown hardware {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = list(known)


class InvalidHardwareError(TargetError):
    """A hardware description that cannot be used.

    Attributes:
        source: the file, or the name of the hardware.
        faults: (key, reason) pairs; an empty key stands for the whole description.
    """

    def __init__(self, source: str, faults: Sequence[tuple[str, str]]):
        listed = "; ".join(f"{key}: {reason}" if key else reason for key, reason in faults)
        super().__init__(f"hardware description {source} is not valid: {listed}")
        self.source = source
        self.faults = tuple(faults)


class UnsupportedPrecisionError(TargetError):
    """Operands wider than any that the hardware computes with."""

    def __init__(self, hardware: str, bits: float, supported_bits: Sequence[float]):
        shown = ", ".join(f"{width:g}" for width in supported_bits)
        super().__init__(f"{hardware} cannot compute with {bits:g}-bit operands; it supports: {shown}")
        self.hardware = hardware
        self.bits = bits
        self.supported_bits = tuple(supported_bits)


class UnsupportedLayerError(TargetError):
    """A layer that the hardware cannot run.

    Args:
        mode: of the model, where that is why.
    """

    def __init__(self, hardware: str, layer: str, kind: str, mode: str | None = None):
        refused = f"{hardware} cannot run the layer {layer!r} ({kind})"
        advice = "a host could, where one is given"
        super().__init__(f"{refused} in mode {mode}; refined can, or {advice}" if mode else f"{refused}; {advice}")
        self.hardware = hardware
        self.layer = layer
        self.kind = kind


class NotAdditiveError(TargetError):
    """Costs of single layers were asked for where layers change each other's costs."""

    def __init__(self, hardware: str):
        super().__init__(f"costs on {hardware} do not add over layers, so groups of layers have none of their own")
        self.hardware = hardware


class RefusedNetworkError(TargetError):
    """A network that gets no cost on this hardware, where another one may; a search counts it as failed.

    Attributes:
        errors: where somebody asked for several networks, which of them are refused; whoever knows says so.
    """

    errors: Sequence[object] = ()


class NotFittingError(RefusedNetworkError):
    """A network takes more than the part has in every form that it can have there.

    Attributes:
        resource: of which there is too little.
        needed, available: of it; what is available is what networks may take.
    """

    def __init__(self, hardware: str, resource: str, needed: float, available: float, *, of: float, is_least: bool):
        """Args: of: what the part has; is_least: whether no form of the network takes less, or the tried ones."""
        takes = "takes at least" if is_least else "takes, in the forms that come closest,"
        super().__init__(
            f"the network {takes} {needed:,.0f} {resource}; {available:,.0f} of the {of:,.0f} of {hardware} are usable"
        )
        self.resource = resource
        self.needed = needed
        self.available = available
