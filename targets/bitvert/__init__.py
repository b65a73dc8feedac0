"""BitVert and the bit-serial accelerators it is compared with: Stripes, Pragmatic, Bitlet, BitWave and ANT.

Source: Chen et al. 2024, "BBS: Bi-directional Bit-level Sparsity for Deep Learning Acceleration", MICRO'24, arXiv
2409.05227. All of them are one machine with other numbers and another rule for the cycles of a tile.
"""

from targets.bitvert.hardware import BitSerialHardware, SramBuffer
from targets.bitvert.refinements import REFINEMENTS
from targets.bitvert.sweep import SweepCosts, sweep
from targets.bitvert.target import BitSerial

__all__ = ["REFINEMENTS", "BitSerial", "BitSerialHardware", "SramBuffer", "SweepCosts", "sweep"]
