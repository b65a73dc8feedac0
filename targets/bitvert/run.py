"""What is the same for all layers of a run: machine, model, batch and widths."""

from __future__ import annotations

from dataclasses import dataclass

from targets.bitvert.hardware import BitSerialHardware
from targets.bitvert.refinements import Refinements


@dataclass(frozen=True, slots=True)
class Run:
    """A batch on a machine at some widths.

    Attributes:
        hardware: the machine.
        refinements: faults of the published model that are removed.
        batch: samples whose layers are computed together.
        weight_bits: of weights, after pruning.
        activation_bits: of activations.
        rereads_inputs: whether it is always the inputs that are read again, in the published model.
    """

    hardware: BitSerialHardware
    refinements: Refinements
    batch: int
    weight_bits: float
    activation_bits: float
    rereads_inputs: bool
