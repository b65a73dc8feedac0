"""Layers that are no products take the same on every accelerator."""

from typing import get_args

import pytest

from spaces.base import Layer, LayerKind, Workload
from targets import build_target, hardware_names, load_hardware, parse_hardware
from targets.layer_kinds import MOVER_KINDS, PRODUCT_KINDS, RIDING_KINDS, vector_operations

ACCELERATORS = [name for name in hardware_names() if hasattr(load_hardware(name), "vector_lanes")]
SMALL = (14, 14, 14, 14)


def test_every_kind_of_layer_is_in_one_set():
    assert sorted([*PRODUCT_KINDS, *MOVER_KINDS, *RIDING_KINDS]) == sorted(get_args(LayerKind))


@pytest.mark.parametrize(
    ("layer", "operations"),
    [
        (Layer("add", "add", 64, 64, *SMALL, inputs=2), 64 * 196),
        (Layer("sum", "add", 64, 64, *SMALL, inputs=4), 3 * 64 * 196),
        (Layer("bias", "add", 64, 64, *SMALL), 64 * 196),
        (Layer("pool", "pool", 64, 64, 28, 28, 14, 14, kernel=3, stride=2), 9 * 64 * 196),
        (Layer("concat", "concat", 64, 64, *SMALL), 0),
        (Layer("shuffle", "shuffle", 64, 64, *SMALL), 0),
        (Layer("batch norm", "norm", 64, 64, *SMALL), 0),
        (Layer("relu", "activation", 64, 64, *SMALL), 0),
        (Layer("layer norm", "norm", 64, 64, in_width=14, out_width=14), 64 * 14),
        (Layer("softmax", "activation", 64, 64, in_width=14, out_width=14), 64 * 14),
    ],
)
def test_vector_operations_are_the_compute_cycles_of_every_accelerator(layer, operations):
    assert vector_operations(layer) == operations
    for name in ACCELERATORS:
        target = build_target(parse_hardware({**load_hardware(name).model_dump(), "mode": "refined"}))
        found = target.cost(Workload((layer,), batch=3)).cycles
        assert found is not None
        assert found.compute == -(-3 * operations // target.hardware.vector_lanes), name


@pytest.mark.parametrize("kind", sorted(MOVER_KINDS))
@pytest.mark.parametrize("name", ACCELERATORS)
def test_movers_of_large_tensors_move_them_on_every_accelerator(name, kind):
    target = build_target(parse_hardware({**load_hardware(name).model_dump(), "mode": "refined"}))
    inputs = 2 if kind == "add" else 1
    layer = Layer(kind, kind, 4096, 4096, 224, 224, 224, 224, inputs=inputs)
    bits = (inputs + 1) * 4096 * 224**2 * target.native_precision.activation_bits
    (row,) = target.cost(Workload((layer,))).layers
    assert row.bytes_moved == bits / 8
    for side in (1, 224):
        riding = Layer("function", "activation", 4096, 4096, side, 224, side, 224)
        assert target.cost(Workload((riding,))).layers[0].bytes_moved == 0


@pytest.mark.parametrize("name", ACCELERATORS)
def test_published_norms_and_functions_are_free(name):
    target = build_target(parse_hardware({**load_hardware(name).model_dump(), "mode": "published"}))
    norm = Layer("norm", "norm", 64, 64, in_width=14, out_width=14)
    assert target.cost(Workload((norm,))).latency_ms == 0
