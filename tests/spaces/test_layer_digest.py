from dataclasses import replace

import pytest

from spaces.base import Layer
from spaces.layer_digest import layer_digest

LAYERS = (Layer("a", "conv", 8, 16, 4, 4, 4, 4, kernel=3), Layer("b", "norm", 16, 16, 4, 4, 4, 4))


def test_digest_is_the_same_whatever_layers_are_called_and_marked():
    renamed = [replace(layer, name="x", is_input_streamed=True, reads_network_input=True) for layer in LAYERS]
    assert layer_digest(renamed) == layer_digest(LAYERS)
    assert len(layer_digest(LAYERS)) == len(layer_digest(())) == 16


@pytest.mark.parametrize(
    "change", [{"kind": "linear"}, {"in_channels": 4}, {"out_height": 2}, {"kernel": 5}, {"groups": 8}, {"inputs": 2}]
)
def test_digest_changes_with_kinds_and_shapes(change: dict[str, object]):
    assert layer_digest([replace(LAYERS[0], **change), LAYERS[1]]) != layer_digest(LAYERS)


def test_digest_changes_with_order_and_number():
    assert len({layer_digest(LAYERS), layer_digest(LAYERS[::-1]), layer_digest(LAYERS[:1])}) == 3
