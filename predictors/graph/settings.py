"""Options of the graph predictors and of their training, with the papers' values or the better ones as defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LayerKind = Literal["ensemble", "flow", "attention"]


@dataclass(frozen=True, slots=True)
class FlanSettings:
    """FLAN's network. Source: Akhauri & Abdelfattah 2024, arXiv 2403.02484; authors' defaults.

    Attributes:
        layer: dense graph flow, operation-gated attention, or their average.
        layers: of the forward stack, and of the backward stack.
        timesteps: forward passes; before each but the first the embeddings of operations are refined.
        refinement: "graph" sends the output node's state back through a stack against the edges and adds a tenth of
            the update (as published); "mlp" sends it through an MLP and replaces (the authors' later ablation).
        supplementary: columns of a supplementary encoding, which enters at the head.
        supplementary_width: of what its MLP makes of it.
        has_attributes: whether nodes carry their place, depth and cost; without, they all start alike, which serves
            few accuracies better.
    """

    layer: LayerKind = "ensemble"
    op_width: int = 48
    node_width: int = 96
    width: int = 128
    layers: int = 5
    timesteps: int = 2
    refinement: Literal["graph", "mlp"] = "graph"
    supplementary: int = 0
    supplementary_width: int = 48
    head_width: int = 200
    dropout: float = 0.1
    has_attributes: bool = False


@dataclass(frozen=True, slots=True)
class NasflatSettings:
    """NASFLAT's network. Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446.

    Half the authors' widths (operations 40, nodes 96, layers 128, head 200) and a quarter of the weights: a step costs
    a third of the time.

    Attributes:
        hardware_width: of a device's embedding, which joins each node's operation and, unlike there, the head.
        layers: of the main stack, after `refinement_layers` of the stack that refines the operations' embeddings.
        encoding: name of the supplementary encoding that enters at the head; empty without one.
        supplementary: its columns, which training finds out.
        supplementary_width: of what its MLP makes of it.
        has_attributes: whether nodes carry their place, depth and cost, on which latency depends.
    """

    layer: LayerKind = "ensemble"
    op_width: int = 24
    hardware_width: int = 8
    node_width: int = 64
    width: int = 64
    refinement_layers: int = 2
    layers: int = 3
    encoding: str = ""
    supplementary: int = 0
    supplementary_width: int = 48
    head_width: int = 64
    dropout: float = 0.1
    has_attributes: bool = True


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to train; the loss is a hinge over pairs plus `regression` times the error of the standardised targets.

    Attributes:
        margin: that the scores of a pair should differ by, in standard deviations of the target; no more than the
            targets do.
        series: of each step's devices, at most this many; they are drawn anew each step.
        validation_share: of the training examples, held out to choose the best epoch; 0 keeps the last.
        patience: epochs without a better validation after which training stops.
        device: torch device to train on.
    """

    epochs: int = 150
    batch: int = 16
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-6
    weight_decay: float = 1e-5
    margin: float = 0.1
    regression: float = 1.0
    series: int = 4
    validation_share: float = 0.0
    patience: int = 30
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """The network that tells source devices' latencies, see `trunk`.

    Attributes:
        embedding: numbers in which all devices' latencies are linear.
    """

    layer: LayerKind = "ensemble"
    op_width: int = 32
    width: int = 64
    layers: int = 3
    embedding: int = 32
