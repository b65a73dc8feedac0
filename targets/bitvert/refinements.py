"""What the authors' simulator gets wrong, each fault as a switch that removes it."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Refinements:
    """Faults of the published model that are removed; none of them in mode `published`, all in mode `refined`.

    Attributes:
        weight_traffic: operands cross the DRAM at their size; the original multiplies a size that is already
            that of narrow weights by their width once more.
        output_folding: output pixels of all rows share the columns; the original starts every row of the image anew.
        flat_reduction: kernel positions and input channels fill a tile together; the original leaves lanes idle where
            one of the two does not divide by the width of a tile.
        channel_blocks: sensitive channels fill whole blocks of PE rows; the original takes their share of every tile.
        metadata: the constant and the column count of each pruned group cross the DRAM too.
        sign_column: a tile takes as many cycles as it has magnitude columns, at least one; the original subtracts
            the sign column even where it is empty, so that a tile of zeros saves a cycle.
        channel_groups: bit flip within the slices that a PE holds; the original's groups cross channels.
        essential_bits: signed digits, without the sign bit; the original counts the sign as a bit to process.
        row_queues: rows wait for each other at the end of their channels; the original makes them wait at each tile.
        batching: weights serve the whole batch; the original runs sample by sample.
        other_operations: attention products, pooling, additions and data movement cost what they take.
        tensor_residency: a tensor stays on chip if it fits in half of the activation buffer, seen alike by the layer
            that writes and the one that reads it; the original lets a layer's fit decide for the next layer too.
        refetch_choice: the cheaper operand is read again; the original decides by the network's name.
    """

    weight_traffic: bool = False
    output_folding: bool = False
    flat_reduction: bool = False
    channel_blocks: bool = False
    metadata: bool = False
    sign_column: bool = False
    channel_groups: bool = False
    essential_bits: bool = False
    row_queues: bool = False
    batching: bool = False
    other_operations: bool = False
    tensor_residency: bool = False
    refetch_choice: bool = False

    @property
    def is_additive(self) -> bool:
        """Whether no layer changes what another costs."""
        return self.tensor_residency and self.refetch_choice


PUBLISHED = Refinements()
REFINED = Refinements(**{field.name: True for field in fields(Refinements)})
