import numpy as np
import pytest

from targets.fpga.errors import InvalidCircuitError
from targets.fpga.primitives import (
    PRIMITIVES,
    Conv1dFullyUnrolled,
    Conv2dFullyUnrolled,
    Conv2dPixelWise,
    Conv2dRowParallel,
    GemmSystolic,
    GemmTreeFullyUnrolled,
    GemmTreeRowParallel,
)


def test_cores_and_cycles_of_the_matrix_products_follow_the_paper():
    sizes = 3, 5, 7
    assert [kind(*sizes).multiply_cores for kind in (GemmTreeFullyUnrolled, GemmTreeRowParallel, GemmSystolic)] == [
        21,
        7,
        35,
    ]
    assert GemmTreeFullyUnrolled(*sizes).latency_cycles == 3 + 2
    assert GemmTreeRowParallel(*sizes).latency_cycles == 2 + 3 + 2
    assert GemmTreeRowParallel(*sizes).initiation_interval == 3


def test_convolutions_differ_in_cores_and_cycles_by_their_form():
    sizes = {"width": 8, "height": 6, "channels": 2, "filter": 3, "out_channels": 4}
    whole, row, pixel = (kind(**sizes) for kind in (Conv2dFullyUnrolled, Conv2dRowParallel, Conv2dPixelWise))
    assert (whole.multiply_cores, row.multiply_cores, pixel.multiply_cores) == (6 * 4 * 4, 6 * 4, 4)
    assert (whole.initiation_interval, row.initiation_interval, pixel.initiation_interval) == (1, 6, 4 * 8)
    assert whole.multiplications == row.multiplications == 96 * 18


def test_reference_of_a_convolution_is_its_definition():
    layer = Conv2dFullyUnrolled(width=5, height=4, channels=2, filter=2, out_channels=3, stride=2)
    rng = np.random.default_rng(0)
    weights, inputs = rng.integers(-8, 8, layer.weight_shape), rng.integers(0, 16, layer.input_shape)
    expected = [
        [[(weights[o] * inputs[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]).sum() for x in range(2)] for y in range(2)]
        for o in range(3)
    ]
    assert layer.reference(weights, inputs).tolist() == expected


def test_reference_of_a_1d_convolution_with_stride_is_its_definition():
    layer = Conv1dFullyUnrolled(width=6, channels=2, filter=3, out_channels=1, stride=2)
    rng = np.random.default_rng(0)
    weights, inputs = rng.integers(-8, 8, layer.weight_shape), rng.integers(0, 16, layer.input_shape)
    expected = [[(weights[0] * inputs[:, 2 * x : 2 * x + 3]).sum() for x in range(2)]]
    assert layer.reference(weights, inputs).tolist() == expected


@pytest.mark.parametrize(
    ("name", "sizes", "field"),
    [
        ("gemmt-fu", (0, 4, 4), "m"),
        ("conv1d-pw", (2, 1, 3, 1), "filter"),
        ("conv2d-rp", (4, 4, 1, 2, 1, 2), "stride"),
        ("conv2d-pw", (4, 2, 1, 3, 1), "filter"),
    ],
)
def test_a_primitive_with_impossible_sizes_is_refused(name, sizes, field):
    with pytest.raises(InvalidCircuitError) as caught:
        PRIMITIVES[name](*sizes)
    assert [fault[0] for fault in caught.value.faults] == [field]
