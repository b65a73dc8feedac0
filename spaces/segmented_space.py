"""What the spaces have in common whose choices add their layers independently of each other."""

from __future__ import annotations

from abc import abstractmethod

from spaces.base import NO_DECISION, Architecture, Layer, Part
from spaces.decision_space import DecisionSpace


class SegmentedSpace(DecisionSpace):
    """An `AdditiveSpace`: fixed layers, and one segment for each position that depends on its choice alone."""

    @abstractmethod
    def fixed_layers(self) -> tuple[Layer, ...]:
        """Layers that every architecture has."""

    @abstractmethod
    def segment(self, position: int, choice: int) -> tuple[Layer, ...]:
        """Layers that `choice` at `position` adds, over the whole network."""

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """The fixed layers, then a segment for each position."""
        row = self.decisions([architecture])[0].tolist()
        return (Part(NO_DECISION, ()), *(Part(position, (choice,)) for position, choice in enumerate(row)))

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """The fixed layers or a segment."""
        return self.fixed_layers() if part.position == NO_DECISION else self.segment(part.position, *part.variant)
