"""What the authors' simulator gets wrong, each fault with a name that removes it.

None of them is removed in mode `published`; in mode `refined` all are, or those that the key `refinements` names:

- weight-traffic: operands cross the DRAM at their size; the original multiplies a size that is already that of narrow
  weights by their width once more.
- output-folding: output pixels of all rows share the columns; the original starts every row of the image anew.
- flat-reduction: kernel positions and input channels fill a tile together; the original leaves lanes idle where one
  of the two does not divide by the width of a tile.
- channel-blocks: sensitive channels fill whole blocks of PE rows; the original takes their share of every tile.
- metadata: the constant and the column count of each pruned group cross the DRAM too.
- sign-column: a tile takes as many cycles as it has magnitude columns, at least one; the original subtracts the sign
  column even where it is empty, so that a tile of zeros saves a cycle.
- channel-groups: bit flip within the slices that a PE holds; the original's groups cross channels.
- essential-bits: signed digits, without the sign bit; the original counts the sign as a bit to process.
- row-queues: rows wait for each other at the end of their channels; the original makes them wait at each tile.
- batching: weights serve the whole batch; the original runs sample by sample.
- other-operations: attention products, pooling, additions, data movement, and norms and functions over tokens cost what
  they take.
- tensor-residency: a tensor stays on chip if it fits in half of the activation buffer, seen alike by the layer that
  writes and the one that reads it, but for the network's own input and output; the original lets a layer's fit decide
  for the next layer too.
- refetch-choice: the cheaper operand is read again; the original decides by the network's name.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Refinement = Literal[
    "weight-traffic",
    "output-folding",
    "flat-reduction",
    "channel-blocks",
    "metadata",
    "sign-column",
    "channel-groups",
    "essential-bits",
    "row-queues",
    "batching",
    "other-operations",
    "tensor-residency",
    "refetch-choice",
]
Refinements = frozenset[Refinement]

REFINEMENTS: Final[tuple[Refinement, ...]] = get_args(Refinement)
PUBLISHED: Final[Refinements] = frozenset()
