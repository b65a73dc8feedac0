"""What the authors' simulator gets wrong, each fault with a name that removes it.

None of them is removed in mode `published`; in mode `refined` all are, or those that the key `refinements` names:

- exact-cycles: whole cycles; the original divides twice in floating point and then rounds up, one too many.
- dense-padding: dense layers fill the unrolled loops like any other; the original assumes a large batch and full use,
  and divides the batch out.
- memory-bandwidth: weights, the network's own input and output, and activations that do not fit on chip take time to
  cross the memory's port.
- bram-clock: the block RAMs limit the clock, double-pumped ones to half of theirs.
- stream-stride: a strided layer reads wider windows in every design; the original forgets it for DLA.
- stream-words: a word of the stream buffer holds as many activations as fit; the original knows 4 and 8 bits.
- duplicated-filters: block RAMs that hold duplicated weights compute too.
- column-split: every layer splits its columns between DSPs and block RAMs as its own times ask; the original splits
  all layers in the proportion of the unroll factors.
- same-objective: baseline and accelerator are both chosen for speed.
- other-operations: attention products, pooling, additions, data movement, and norms and functions over tokens cost what
  they take.

Networks that are folded differently for the baseline and the accelerator are no fault of the model here: a workload is
folded once, for all of them.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Refinement = Literal[
    "exact-cycles",
    "dense-padding",
    "memory-bandwidth",
    "bram-clock",
    "stream-stride",
    "stream-words",
    "duplicated-filters",
    "column-split",
    "same-objective",
    "other-operations",
]
Refinements = frozenset[Refinement]

REFINEMENTS: Final[tuple[Refinement, ...]] = get_args(Refinement)
PUBLISHED: Final[Refinements] = frozenset()
