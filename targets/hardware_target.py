"""What the targets have in common whose costs follow from a hardware description."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from spaces.base import Layer, Workload
from targets.base import Cost, Precision
from targets.errors import UnsupportedLayerError
from targets.hardware_spec import HardwareSpec

SpecT = TypeVar("SpecT", bound=HardwareSpec)


@dataclass(frozen=True, slots=True)
class HardwareTarget(ABC, Generic[SpecT]):
    """A cost model on one hardware configuration; a `Target`.

    Attributes:
        hardware: its description.
    """

    hardware: SpecT

    @property
    def name(self) -> str:
        """The hardware configuration's."""
        return self.hardware.name

    @property
    def native_precision(self) -> Precision:
        """Widths that the hardware description calls native."""
        return Precision(self.hardware.native_weight_bits, self.hardware.native_activation_bits)

    @property
    def is_additive(self) -> bool:
        """Whether layers know nothing of each other."""
        return True

    def supports(self, layer: Layer) -> bool:
        """Whether the hardware can run the layer: any, unless the model says otherwise."""
        return True

    def built_for(self, widest: Precision) -> Self:
        """The same hardware where it also runs layers with operands of these widths, at its own native ones.

        Itself unless the model sizes something by the width of the operands.
        """
        return self

    @abstractmethod
    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """As `Target.cost`."""

    def check_layers(self, workload: Workload) -> None:
        """Raises: UnsupportedLayerError for the first layer that the hardware cannot run."""
        for layer in workload.layers:
            if not self.supports(layer):
                mode = getattr(self.hardware, "mode", None)
                raise UnsupportedLayerError(
                    self.name, layer.name, layer.kind, mode=mode if mode == "published" else None
                )
