"""Small ONNX models, written node by node."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

Build = Callable[..., onnx.ModelProto]


@pytest.fixture
def build() -> Build:
    """Makes a model from nodes, the shapes of its inputs and outputs, and its weights."""

    def make(
        nodes: Sequence[onnx.NodeProto],
        inputs: dict[str, Sequence[Any]],
        outputs: Sequence[str] = ("y",),
        weights: dict[str, Any] | None = None,
        opset: int = 17,
    ) -> onnx.ModelProto:
        rng = np.random.default_rng(0)
        values = {
            name: value if isinstance(value, np.ndarray) else rng.standard_normal(value).astype(np.float32)
            for name, value in (weights or {}).items()
        }
        graph = helper.make_graph(
            list(nodes),
            "small",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            [numpy_helper.from_array(value, name) for name, value in values.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)  # which gives the outputs their types

    return make
