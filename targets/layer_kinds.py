"""What hardware does with each kind of layer: one rule for all accelerators, whose papers speak of products alone.

- Products run in the array.
- Movers are layers of their own: they read their inputs and write their output like any layer, and what they compute
  goes through the element-wise unit beside the array, `vector_lanes` operations a cycle. An addition of k tensors joins
  k - 1 operands to the first one, so it takes k - 1 operations for each output. Pooling takes one for each position of
  its window: joining the others to the first, and the scaling of a mean, which the largest value is spared but kinds of
  layers do not tell the two apart. Shuffling, concatenating and cutting compute nothing, but what they move is moved:
  hardware that runs layer by layer has no other way to gather what several layers wrote apart.
- Riding layers move nothing. Over images a norm has trained constants, which are folded into the weights before it, and
  an activation function is applied to results on their way out of the array. Over tokens (layers of height 1) norms and
  softmax need whole rows first, and the functions are no mere comparisons: the element-wise unit takes an operation for
  each element.

The published modes have none of it for what rides along, and BitVert's and M4BRAM's refuse the rest; BitMod's takes the
movers as they are here.
"""

from __future__ import annotations

from typing import Final

from spaces.base import Layer

PRODUCT_KINDS: Final = frozenset({"conv", "linear", "matmul"})
MOVER_KINDS: Final = frozenset({"pool", "add", "shuffle", "concat", "slice"})
RIDING_KINDS: Final = frozenset({"activation", "norm"})


def vector_operations(layer: Layer) -> int:
    """Element-wise operations of one sample; 0 for products."""
    if layer.kind in RIDING_KINDS:
        return layer.out_elements if layer.out_height == 1 else 0
    if layer.kind == "pool":
        return layer.out_elements * layer.kernel_area
    if layer.kind == "add":
        return layer.out_elements * max(layer.inputs - 1, 1)
    return 0
