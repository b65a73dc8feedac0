"""Shapes and counts of the layer constructors."""

import pytest

from spaces.base import Layer
from spaces.layers import activation, add, conv, linear, norm, pool


def test_conv_with_stride_halves_the_map_and_counts_per_output() -> None:
    layer = conv("c", (3, 16), 32, kernel=3, stride=2)
    assert (layer.out_height, layer.out_width) == (16, 16)
    assert layer.macs == 16 * 16 * 16 * 9 * 3
    assert layer.params == 16 * 9 * 3


def test_depthwise_conv_has_one_filter_per_channel() -> None:
    layer = conv("c", (24, 24), 8, kernel=5, groups=24)
    assert (layer.macs, layer.params) == (24 * 64 * 25, 24 * 25)


def test_conv_of_an_odd_map_rounds_up_as_same_padding_does() -> None:
    assert conv("c", (1, 1), 7, kernel=3, stride=2).out_height == 4


@pytest.mark.parametrize(
    ("layer", "params", "read", "written"),
    [
        (norm("n", 8, 4), 16, 128, 128),
        (activation("a", 8, 4), 0, 128, 128),
        (add("s", 8, 4), 0, 256, 128),
        (pool("p", 8, 4, kernel=4, stride=4), 0, 128, 8),
        (linear("l", 8, 10), 90, 8, 10),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_layer_reads_and_writes_its_maps(layer, params: int, read: int, written: int) -> None:
    assert (layer.params, layer.in_elements, layer.out_elements) == (params, read, written)
    assert layer.bytes_moved(bits=8) == params + read + written


def test_matmul_reads_its_stationary_operand_too_and_learns_nothing() -> None:
    # Two heads: 5 queries of 8 elements against 7 keys each.
    layer = Layer("qk", "matmul", 2 * 8, 2 * 7, in_width=5, out_width=5, groups=2)
    assert (layer.macs, layer.params) == (2 * 5 * 7 * 8, 0)
    assert (layer.in_elements, layer.out_elements) == (2 * 8 * 5 + 2 * 7 * 8, 2 * 7 * 5)
