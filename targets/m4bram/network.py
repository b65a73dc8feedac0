"""A network as the accelerators of the family see it: layers as loops, and the largest tensors that must fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spaces.base import Layer, Workload
from targets.layer_kinds import PRODUCT_KINDS


@dataclass(frozen=True, slots=True)
class FoldedLayer:
    """A layer as nested loops, in the papers' letters.

    Attributes:
        kind: "conv", or "fc" for a dense layer.
        R: width of the filter.
        S: height of the filter.
        C: input channels of a group.
        P: rows of the output.
        Q: columns of the output; tokens of a dense layer.
        K: output channels of a group.
        groups: groups of channels, computed one after the other.
    """

    kind: Literal["conv", "fc"]
    R: int
    S: int
    C: int
    P: int
    Q: int
    K: int
    groups: int = 1

    @property
    def weights(self) -> int:
        """Weights of a group."""
        return self.R * self.S * self.C * self.K

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.groups * self.weights * self.P * self.Q

    @classmethod
    def conv(cls, R: int, S: int, C: int, P: int, Q: int, K: int) -> FoldedLayer:
        """A convolution."""
        return cls("conv", R, S, C, P, Q, K)

    @classmethod
    def fc(cls, C: int, K: int, tokens: int = 1, groups: int = 1) -> FoldedLayer:
        """A dense layer, or the products of several groups of channels."""
        return cls("fc", 1, 1, C, 1, tokens, K, groups)

    @classmethod
    def of(cls, layer: Layer) -> FoldedLayer:
        """A convolution, linear layer or matrix product as it is, without tricks."""
        pixels = layer.out_height * layer.out_width
        if layer.kind != "conv":
            reduction = layer.in_channels // layer.groups * layer.kernel_area
            return cls.fc(reduction, layer.out_channels // layer.groups, pixels, layer.groups)
        return cls(
            "conv",
            layer.kernel if layer.kernel_width is None else layer.kernel_width,
            layer.kernel,
            layer.in_channels // layer.groups,
            layer.out_height,
            layer.out_width,
            layer.out_channels // layer.groups,
            layer.groups,
        )


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """Input and output of a layer.

    Attributes:
        in_elements: of the input.
        out_elements: of the output.
        in_columns: width of the input image.
        out_columns: width of the output image.
    """

    in_elements: int
    out_elements: int
    in_columns: int
    out_columns: int


@dataclass(frozen=True, slots=True)
class Network:
    """What the sizes of the buffers and the cycles follow from.

    Attributes:
        layers: as the accelerator computes them.
        largest: the layer whose weights are the most, which sizes the filter cache; None without any.
        feature_map: the input and output that together are the largest, which size the stream buffer.
        output_copies: outputs kept at a time: 2 where a residual addition needs an older one.
        cached_fraction: share of the feature map that is kept on chip.
        filter_copies: layers whose weights are kept at a time.
    """

    layers: tuple[FoldedLayer, ...]
    largest: FoldedLayer | None
    feature_map: FeatureMap | None
    output_copies: int = 1
    cached_fraction: float = 1.0
    filter_copies: int = 1

    @property
    def stream_elements(self) -> float:
        """Activations that the stream buffer holds."""
        if self.feature_map is None:
            return 0.0
        whole = self.feature_map.in_elements + self.output_copies * self.feature_map.out_elements
        return whole * self.cached_fraction

    @classmethod
    def of(cls, workload: Workload) -> Network:
        """The network of a workload; its layers are those that multiply."""
        products = [layer for layer in workload.layers if layer.kind in PRODUCT_KINDS]
        layers = tuple(map(FoldedLayer.of, products))
        convolutions = [folded for folded in layers if folded.kind == "conv"] or list(layers)
        maps = [
            FeatureMap(_feature_elements(layer), layer.out_elements, layer.in_width, layer.out_width)
            for layer in products
        ]
        return cls(
            layers,
            max(convolutions, key=lambda layer: layer.weights, default=None),
            max(maps, key=lambda each: each.in_elements + each.out_elements, default=None),
            output_copies=2 if any(layer.kind == "add" for layer in workload.layers) else 1,
        )


def _feature_elements(layer: Layer) -> int:
    return layer.inputs * layer.in_channels * layer.in_height * layer.in_width
