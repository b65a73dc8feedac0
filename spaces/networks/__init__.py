"""The networks behind the architectures: torch modules and ONNX export."""

from spaces.networks.build import NETWORKS, build_network
from spaces.networks.onnx_export import export_onnx, module_to_onnx

__all__ = ["NETWORKS", "build_network", "export_onnx", "module_to_onnx"]
