"""The layers that Kratos unrolls on FPGA fabric: their sizes, cycles and exact results.

Source: Dai et al. 2024, "Kratos: An FPGA Benchmark for Unrolled DNNs with Fine-Grained Sparsity and Mixed Precision",
FPL'24, arXiv 2407.06033. Names end in the form: `fu` fully unrolled, `rp` one row per cycle, `pw` one pixel per cycle.
Cycles are those of the circuits that `targets.fpga.verilog` generates, as their simulation counts them: the control
state machines of the original add one to three cycles to the forms `rp` and `pw`.
"""

from __future__ import annotations

from typing import Final

from targets.fpga.primitives.base import Primitive, adder_levels
from targets.fpga.primitives.convolutions_1d import Conv1dFullyUnrolled, Conv1dPixelWise
from targets.fpga.primitives.convolutions_2d import Conv2dFullyUnrolled, Conv2dPixelWise, Conv2dRowParallel
from targets.fpga.primitives.matrix_products import GemmSystolic, GemmTreeFullyUnrolled, GemmTreeRowParallel

__all__ = [
    "PRIMITIVES",
    "Conv1dFullyUnrolled",
    "Conv1dPixelWise",
    "Conv2dFullyUnrolled",
    "Conv2dPixelWise",
    "Conv2dRowParallel",
    "GemmSystolic",
    "GemmTreeFullyUnrolled",
    "GemmTreeRowParallel",
    "Primitive",
    "adder_levels",
]

PRIMITIVES: Final[dict[str, type[Primitive]]] = {
    primitive.name: primitive
    for primitive in (
        GemmTreeFullyUnrolled,
        GemmTreeRowParallel,
        GemmSystolic,
        Conv1dFullyUnrolled,
        Conv1dPixelWise,
        Conv2dFullyUnrolled,
        Conv2dRowParallel,
        Conv2dPixelWise,
    )
}
