"""Binary pruning of int8 weights: whole bit columns of a group are made constant, so that they need not be computed.

Source: Chen et al. 2024, "BBS: Bi-directional Bit-level Sparsity for Deep Learning Acceleration", MICRO'24, arXiv
2409.05227; bit flip: Shi et al. 2024, "BitWave", HPCA'24, arXiv 2507.12444. A group of weights is seen as 8 bit
columns, the most significant first. Every method is vectorised over groups and tells what is left of a tensor:

    pruned = binary_prune(weights, "zero_point_shifting", pruned_columns=4, group_size=32)
"""

from targets.bbs.bit_flip import bit_flip
from targets.bbs.errors import BinaryPruningError
from targets.bbs.pruning import METHODS, best_method, binary_prune, effective_size_bits
from targets.bbs.rounded_averaging import rounded_averaging
from targets.bbs.zero_point_shifting import zero_point_shifting

__all__ = [
    "METHODS",
    "BinaryPruningError",
    "best_method",
    "binary_prune",
    "bit_flip",
    "effective_size_bits",
    "rounded_averaging",
    "zero_point_shifting",
]
