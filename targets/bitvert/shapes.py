"""A layer as the array sees it: a reduction per output channel, repeated over pixels."""

from __future__ import annotations

from dataclasses import dataclass

from spaces.base import Layer
from targets.bitvert.numbers import Number, ceil_div


@dataclass(frozen=True, slots=True)
class ProductShape:
    """Shape of a convolution, a linear layer or a matrix product, per group of channels.

    Attributes:
        kind: "conv", or "fc" for a linear layer or a matrix product.
        groups: groups of channels, each a convolution of its own.
        kernel_area: positions of the kernel.
        in_channels: input channels of a group.
        out_channels: output channels of a group.
        rows: rows of the output image; 1 for tokens.
        columns: pixels in a row, or tokens.
        has_weights: False for a product of two activations.
    """

    kind: str
    groups: int
    kernel_area: int
    in_channels: int
    out_channels: int
    rows: int
    columns: int
    has_weights: bool = True

    @classmethod
    def of(cls, layer: Layer) -> ProductShape:
        """The shape of a layer of `PRODUCT_KINDS`."""
        is_conv = layer.kind == "conv"
        pixels = layer.out_height * layer.out_width
        return cls(
            "conv" if is_conv else "fc",
            layer.groups,
            layer.kernel_area,
            layer.in_channels // layer.groups,
            layer.out_channels // layer.groups,
            layer.out_height if is_conv else 1,
            layer.out_width if is_conv else pixels,
            has_weights=layer.kind != "matmul",
        )

    @property
    def weights(self) -> int:
        """Weights, or elements of the operand that takes their place."""
        return self.groups * self.out_channels * self.kernel_area * self.in_channels

    @property
    def slices_positions(self) -> bool:
        """Whether a PE's weights lie along kernel positions: there are more of them than input channels."""
        return self.kernel_area > self.in_channels

    def slices(self, weights_per_pe: Number, *, is_flat: bool) -> Number:
        """Slices of `weights_per_pe` weights that the reduction of one output channel takes."""
        if is_flat:
            return ceil_div(self.kernel_area * self.in_channels, weights_per_pe)
        if self.slices_positions:
            return ceil_div(self.kernel_area, weights_per_pe) * self.in_channels
        return ceil_div(self.in_channels, weights_per_pe) * self.kernel_area

    def row_blocks(self, rows: Number) -> Number:
        """Blocks of output channels, of all groups."""
        return self.groups * ceil_div(self.out_channels, rows)

    def column_blocks(self, columns: Number, batch: int, *, is_folded: bool) -> Number:
        """Blocks of output pixels of `batch` samples."""
        if is_folded:
            return ceil_div(batch * self.rows * self.columns, columns)
        if self.kind == "fc":
            return ceil_div(batch * self.columns, columns)
        return batch * self.rows * ceil_div(self.columns, columns)
