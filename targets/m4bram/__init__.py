"""M4BRAM, an FPGA accelerator that also computes in its block RAMs, with the DLA and BRAMAC baselines.

Source: Chen et al. 2023, "M4BRAM: Mixed-Precision Matrix-Matrix Multiplication in FPGA Block RAMs", FPT'23, arXiv
2311.02758; BRAMAC: Chen and Abdelfattah 2023, FCCM'23, arXiv 2304.03974; DLA: Aydonat et al. 2017, FPGA'17.
"""

from targets.m4bram.configuration import Configuration, Configurations
from targets.m4bram.design import DESIGNS, Design
from targets.m4bram.engine import Engine
from targets.m4bram.hardware import M4bramHardware
from targets.m4bram.network import FeatureMap, FoldedLayer, Network
from targets.m4bram.search import Budget, Candidate, NoConfigurationError, SearchGrid, best_configuration, evaluate
from targets.m4bram.sweep import SweepCosts, sweep
from targets.m4bram.target import M4bram

__all__ = [
    "DESIGNS",
    "Budget",
    "Candidate",
    "Configuration",
    "Configurations",
    "Design",
    "Engine",
    "FeatureMap",
    "FoldedLayer",
    "M4bram",
    "M4bramHardware",
    "Network",
    "NoConfigurationError",
    "SearchGrid",
    "SweepCosts",
    "best_configuration",
    "evaluate",
    "sweep",
]
