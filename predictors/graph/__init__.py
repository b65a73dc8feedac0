"""Graph predictors FLAN and NASFLAT. Their modules import torch, this one and `settings` do not.

Graphs of a space are small and of equal size, so a batch is dense and masked: on 8 to 24 nodes this is faster on a CPU
than sparse message passing, and needs no torch-geometric.
"""

from predictors.graph.settings import FlanSettings, LayerKind, NasflatSettings, TrainingSettings, TrunkSettings

__all__ = ["FlanSettings", "LayerKind", "NasflatSettings", "TrainingSettings", "TrunkSettings"]
