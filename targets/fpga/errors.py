"""Errors of unrolled FPGA circuits.

FpgaError (a TargetError)
├── OutsideModelRangeError  what the fitted model of areas knows nothing of
├── InvalidCircuitError   sizes, options or weights that no circuit can be made of, with the parts at fault
├── ToolMissingError      a synthesis or place-and-route tool that is not installed, with the command that installs it
└── SynthesisError        a tool that failed, ran out of time or out of memory
    └── SynthesisCancelledError   somebody asked to stop
"""

from __future__ import annotations

from collections.abc import Sequence

from targets.errors import RefusedNetworkError, TargetError


class FpgaError(TargetError):
    """Base of every error of the unrolled circuits."""


class InvalidCircuitError(FpgaError):
    """Sizes, options or weights that no circuit can be made of.

    Attributes:
        what: the primitive, or what else was to be made.
        faults: (field, reason) pairs.
    """

    def __init__(self, what: str, faults: Sequence[tuple[str, str]]):
        super().__init__(f"{what}: " + "; ".join(f"{field}: {reason}" for field, reason in faults))
        self.what = what
        self.faults = tuple(faults)


class ToolMissingError(FpgaError):
    """A tool that the flow needs is not installed."""

    def __init__(self, tool: str, install: str):
        super().__init__(f"{tool} is not installed; install it with: {install}")
        self.tool = tool
        self.install = install


class SynthesisError(FpgaError):
    """A tool failed, ran out of time or ran out of memory."""

    def __init__(self, tool: str, reason: str):
        super().__init__(f"{tool} {reason}")
        self.tool = tool
        self.reason = reason


class SynthesisCancelledError(SynthesisError):
    """Somebody asked to stop."""

    def __init__(self, tool: str):
        super().__init__(tool, "was stopped")


class OutsideModelRangeError(FpgaError, RefusedNetworkError):
    """The fitted model of areas has seen nothing like it.

    Attributes:
        name: what is outside.
        value: of it.
        bounds: smallest and largest value that the model was fitted to.
        layer: whose circuit it is, where a network was asked for.
    """

    def __init__(self, name: str, value: float, bounds: tuple[float, float], layer: str | None = None):
        of_layer = "" if layer is None else f"layer {layer!r} would rest on extrapolated areas: "
        super().__init__(
            f"{of_layer}{name} of {value:g} is outside of {bounds[0]:g} to {bounds[1]:g}, which the model has seen"
        )
        self.name = name
        self.value = value
        self.bounds = bounds
        self.layer = layer
