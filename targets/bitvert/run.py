"""What is the same for all layers of a run: machine, model, batch and widths."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spaces.base import Workload
from targets.base import Precision
from targets.bitvert.hardware import BitSerialHardware
from targets.bitvert.numbers import Number
from targets.bitvert.refinements import Refinements


@dataclass(frozen=True, slots=True)
class Run:
    """A batch on a machine at some widths.

    Attributes:
        hardware: the machine.
        refinements: faults of the published model that are removed.
        batch: samples whose layers are computed together.
        repeats: such groups of samples, one after the other.
        weight_bits: of weights, after pruning.
        activation_bits: of activations.
        rereads_inputs: whether it is always the inputs that are read again, in the published model.
    """

    hardware: BitSerialHardware
    refinements: Refinements
    batch: int
    repeats: int
    weight_bits: Number
    activation_bits: Number
    rereads_inputs: bool

    @classmethod
    def of(cls, hardware: BitSerialHardware, workload: Workload, precision: Precision) -> Run:
        """The run of a workload."""
        refinements = hardware.active_refinements
        batch = workload.batch if "batching" in refinements else 1
        return cls(
            hardware,
            refinements,
            batch,
            workload.batch // batch,
            precision.weight_bits,
            precision.activation_bits,
            _is_transformer(workload),
        )

    def with_widths(self, weight_bits: Number, activation_bits: Number) -> Run:
        """The same run at other widths, which may be arrays."""
        return replace(self, weight_bits=weight_bits, activation_bits=activation_bits)


def _is_transformer(workload: Workload) -> bool:
    """Whether the published model takes the network for one: it has linear layers of several tokens."""
    return any(layer.kind == "linear" and layer.out_height * layer.out_width > 1 for layer in workload.layers)
