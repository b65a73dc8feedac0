"""How large an uploaded model may be, and what reading it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one import; above any of them the model is refused.

    Attributes:
        size_bytes: of the file.
        nodes: in the graph, its subgraphs and its functions together, and again after functions are inlined.
        nesting: of graphs within graphs.
        elements: of one tensor.
        macs: multiply-accumulates of the whole network; also bounds the values that its layers read and write. Cost
            models count in 64-bit integers.
        inputs: of one output of a convolution or product; cost models that look at weights make as many.
        wall_s: seconds the worker process may take.
        memory_bytes: address space of the worker process.
    """

    size_bytes: int = 256 * 2**20
    nodes: int = 20_000
    nesting: int = 16
    elements: int = 2**36
    macs: int = 2**50
    inputs: int = 1_000_000
    wall_s: float = 60.0
    memory_bytes: int = 3 * 2**30
