"""BitMoD and the language-model accelerators it is compared with: output-stationary arrays in front of DRAM."""

from targets.bitmod.hardware import REFINEMENTS, BitModHardware, Refinement
from targets.bitmod.sweep import SweepCosts, sweep
from targets.bitmod.target import BitMod

__all__ = ["REFINEMENTS", "BitMod", "BitModHardware", "Refinement", "SweepCosts", "sweep"]
