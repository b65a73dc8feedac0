"""Networks in ONNX files as architectures: read from bytes alone, keyed by their graph, with all their layers.

model = import_apart(content, {"batch": 1})
model.key, model.workload.macs, model.unsupported
"""

from spaces.onnx_model.errors import (
    DynamicDimensionsError,
    ModelRefusedError,
    ModelTooLargeError,
    UnknownBindingError,
)
from spaces.onnx_model.imported import ImportedLayer, ImportedModel, Unsupported
from spaces.onnx_model.importing import import_apart, import_here
from spaces.onnx_model.limits import Limits
from spaces.onnx_model.space import NAME, ModelStore, OnnxModels

__all__ = [
    "NAME",
    "DynamicDimensionsError",
    "ImportedLayer",
    "ImportedModel",
    "Limits",
    "ModelRefusedError",
    "ModelStore",
    "ModelTooLargeError",
    "OnnxModels",
    "UnknownBindingError",
    "Unsupported",
    "import_apart",
    "import_here",
]
