"""ONNX operations by what they are to a workload."""

from __future__ import annotations

from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Tensors under another shape, or as they are: nothing runs.
FREE: Final = _names("Reshape Flatten Squeeze Unsqueeze Identity Dropout")
# One number of the output from one of each operand; softmax and its like count as such.
ELEMENTWISE: Final = _names(
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike "
    "Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Hardmax "
    "IsInf IsNaN LeakyRelu Less LessOrEqual Log LogSoftmax Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal "
    "Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Sub Sum Swish Tan Tanh "
    "ThresholdedRelu Where Xor QuantizeLinear DequantizeLinear DynamicQuantizeLinear CumSum RotaryEmbedding"
)
# Fewer numbers from many, over whatever axes.
REDUCTIONS: Final = _names(
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare ArgMax ArgMin"
)
# Copies in another order or size.
REORDERINGS: Final = _names(
    "Transpose Resize Upsample Pad Expand Tile DepthToSpace SpaceToDepth Gather GatherElements GatherND "
    "ReverseSequence OneHot"
)
# Computed on constants, because shapes are made with them.
COMPUTED: Final = _names(
    "Abs Add And Cast Ceil Concat ConstantOfShape Div Equal Expand Flatten Floor Gather Greater GreaterOrEqual "
    "Identity Less LessOrEqual Max Min Mod Mul Neg Not Or Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape "
    "ScatterElements ScatterND Size Slice Sqrt Squeeze Sub Tile Transpose Unsqueeze Where"
)
# Not constant, though they read nothing.
RANDOM: Final = _names("Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike")
