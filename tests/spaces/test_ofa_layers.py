"""Layer counts of the Once-for-all networks."""

import pytest

from spaces import Ofa
from spaces.ofa_layers import POSITIONS, block_shapes, multiple_of_8


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, 8), (19.2, 24), (28.8, 32), (12, 16), (134.4, 136), (192, 192), (24, 24)]
)
def test_multiple_of_8_is_near_and_not_much_below(channels: float, expected: int) -> None:
    assert multiple_of_8(channels) == expected


def test_shapes_at_224_pixels() -> None:
    shapes = [block_shapes(position, 224) for position in range(POSITIONS)]
    assert [shape.size for shape in shapes] == [112, *[56] * 4, *[28] * 4, *[14] * 8, *[7] * 3]
    assert [shape.out_channels for shape in shapes] == [32] * 4 + [48] * 4 + [96] * 4 + [136] * 4 + [192] * 4
    assert [position for position, shape in enumerate(shapes) if shape.stride == 2] == [0, 4, 8, 16]
    assert [position for position, shape in enumerate(shapes) if not shape.keeps_shape] == [0, 4, 8, 12, 16]


def test_odd_maps_are_rounded_up_as_the_convolutions_do() -> None:
    assert [block_shapes(position, 132).size for position in range(0, POSITIONS, 4)] == [66, 33, 17, 9, 9]


def test_block_with_squeeze_runs_its_kernels_in_order() -> None:
    space = Ofa()
    architecture = space.parse("128:" + "|".join(["k3e3-k5e4"] * 5))
    layers = [layer for layer in space.workload(architecture).layers if layer.name.startswith("unit1.block1")]
    kinds = "conv norm activation conv norm activation pool conv activation conv activation activation conv norm add"
    assert [layer.kind for layer in layers] == kinds.split()
    assert [layer.out_channels for layer in layers if layer.kind == "conv"] == [192, 192, 48, 192, 48]


def test_resolution_scales_macs_and_leaves_params() -> None:
    space = Ofa()
    blocks = "|".join(["k3e3-k5e4-k7e6"] * 5)
    small, large = (space.workload(space.parse(f"{resolution}:{blocks}")) for resolution in (128, 224))
    assert small.params == large.params
    assert large.macs / small.macs == pytest.approx((224 / 128) ** 2, rel=0.03)
