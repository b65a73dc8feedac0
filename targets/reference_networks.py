"""Networks that accelerators are compared on, as workloads of one 224 x 224 image or one sentence of 128 tokens.

Sources: Krizhevsky et al. 2012 (AlexNet, in one piece as torchvision's, with groups as published where two GPUs held
half of the channels each); Simonyan and Zisserman 2015, arXiv 1409.1556 (VGG-16); He et al. 2016, arXiv 1512.03385
(ResNet, whose blocks stride in the 3 x 3 convolution); Dosovitskiy et al. 2021, arXiv 2010.11929 (ViT); Devlin et al.
2019, arXiv 1810.04805 (BERT). Normalisation and activation functions ride along with the layers before and are left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from spaces.base import Layer, Workload

_IMAGE: Final = (3, 224, 224)


def alexnet() -> Workload:
    """AlexNet with 227 x 227 inputs and two groups in the second, fourth and fifth convolution."""
    layers = [
        Layer("conv1", "conv", 3, 96, 227, 227, 55, 55, kernel=11, stride=4),
        _pool("pool1", 96, 55, 27, kernel=3),
        Layer("conv2", "conv", 96, 256, 27, 27, 27, 27, kernel=5, groups=2),
        _pool("pool2", 256, 27, 13, kernel=3),
        Layer("conv3", "conv", 256, 384, 13, 13, 13, 13, kernel=3),
        Layer("conv4", "conv", 384, 384, 13, 13, 13, 13, kernel=3, groups=2),
        Layer("conv5", "conv", 384, 256, 13, 13, 13, 13, kernel=3, groups=2),
        _pool("pool5", 256, 13, 6, kernel=3),
        *(_linear(f"fc{6 + i}", *sizes) for i, sizes in enumerate([(9216, 4096), (4096, 4096), (4096, 1000)])),
    ]
    return Workload(tuple(layers), (3, 227, 227))


def vgg16() -> Workload:
    """VGG-16."""
    layers: list[Layer] = []
    channels, side = 3, 224
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            number = 1 + sum(layer.kind == "conv" for layer in layers)
            layers.append(Layer(f"conv{number}", "conv", channels, width, side, side, side, side, kernel=3))
            channels = width
        layers.append(_pool(f"pool{width}_{side}", width, side, side // 2, kernel=2))
        side //= 2
    layers += [_linear("fc1", 25088, 4096), _linear("fc2", 4096, 4096), _linear("fc3", 4096, 1000)]
    return Workload(tuple(layers), _IMAGE)


def resnet(depths: tuple[int, int, int, int], *, has_bottlenecks: bool) -> Workload:
    """A ResNet of so many blocks per stage."""
    layers = [
        Layer("conv1", "conv", 3, 64, 224, 224, 112, 112, kernel=7, stride=2),
        _pool("maxpool", 64, 112, 56, kernel=3),
    ]
    channels, side = 64, 56
    for stage, depth in enumerate(depths):
        width = 64 << stage
        out_channels = width * (4 if has_bottlenecks else 1)
        for block in range(depth):
            stride = 2 if stage and not block else 1
            name = f"layer{stage + 1}.{block}"
            layers += _block(name, channels, width, out_channels, side, stride, has_bottlenecks=has_bottlenecks)
            channels, side = out_channels, side // stride
    layers += [_pool("avgpool", channels, side, 1, kernel=side), _linear("fc", channels, 1000)]
    return Workload(tuple(layers), _IMAGE)


def _block(
    name: str, channels: int, width: int, out_channels: int, side: int, stride: int, *, has_bottlenecks: bool
) -> Iterator[Layer]:
    small = side // stride
    if has_bottlenecks:
        yield Layer(f"{name}.conv1", "conv", channels, width, side, side, side, side)
        yield Layer(f"{name}.conv2", "conv", width, width, side, side, small, small, kernel=3, stride=stride)
        yield Layer(f"{name}.conv3", "conv", width, out_channels, small, small, small, small)
    else:
        yield Layer(f"{name}.conv1", "conv", channels, width, side, side, small, small, kernel=3, stride=stride)
        yield Layer(f"{name}.conv2", "conv", width, width, small, small, small, small, kernel=3)
    if channels != out_channels:
        yield Layer(f"{name}.downsample_conv1", "conv", channels, out_channels, side, side, small, small, stride=stride)
    yield Layer(f"{name}.add", "add", out_channels, out_channels, small, small, small, small, inputs=2)


def vit(hidden: int, heads: int, *, blocks: int = 12, patch: int = 16) -> Workload:
    """A vision transformer with a class token."""
    side = 224 // patch
    tokens = side * side + 1
    layers = [Layer("patch_embed.proj", "conv", 3, hidden, 224, 224, side, side, kernel=patch, stride=patch)]
    for block in range(blocks):
        name = f"blocks.{block}"
        layers += [
            _linear(f"{name}.attn.qkv", hidden, 3 * hidden, tokens),
            *_attention(f"{name}.attn", hidden, heads, tokens),
            _linear(f"{name}.attn.proj", hidden, hidden, tokens),
            _residual(f"{name}.attn.add", hidden, tokens),
            _linear(f"{name}.mlp.fc1", hidden, 4 * hidden, tokens),
            _linear(f"{name}.mlp.fc2", 4 * hidden, hidden, tokens),
            _residual(f"{name}.mlp.add", hidden, tokens),
        ]
    return Workload((*layers, _linear("head_fc", hidden, 1000)), _IMAGE)


def bert_base(tokens: int = 128) -> Workload:
    """BERT-base with a classifier of two classes; embeddings are looked up and left out."""
    hidden, heads = 768, 12
    layers: list[Layer] = []
    for block in range(12):
        name = f"encoder.layer.{block}"
        layers += [
            *(_linear(f"{name}.{part}", hidden, hidden, tokens) for part in ("query", "key", "value")),
            *_attention(name, hidden, heads, tokens),
            _linear(f"{name}.attn_linear", hidden, hidden, tokens),
            _residual(f"{name}.attn_add", hidden, tokens),
            _linear(f"{name}.inter_linear", hidden, 4 * hidden, tokens),
            _linear(f"{name}.out_linear", 4 * hidden, hidden, tokens),
            _residual(f"{name}.out_add", hidden, tokens),
        ]
    return Workload((*layers, _linear("classifier", hidden, 2)), (hidden, 1, tokens))


def _attention(name: str, hidden: int, heads: int, tokens: int) -> Iterator[Layer]:
    """Scores, and values weighted with them, a group for each head."""
    scores = heads * tokens
    yield Layer(f"{name}.qk", "matmul", hidden, scores, in_width=tokens, out_width=tokens, groups=heads)
    yield Layer(f"{name}.av", "matmul", scores, hidden, in_width=tokens, out_width=tokens, groups=heads)


def _linear(name: str, inputs: int, outputs: int, tokens: int = 1) -> Layer:
    return Layer(name, "linear", inputs, outputs, in_width=tokens, out_width=tokens)


def _residual(name: str, hidden: int, tokens: int) -> Layer:
    return Layer(name, "add", hidden, hidden, in_width=tokens, out_width=tokens, inputs=2)


def _pool(name: str, channels: int, side: int, out_side: int, *, kernel: int) -> Layer:
    return Layer(name, "pool", channels, channels, side, side, out_side, out_side, kernel=kernel)


REFERENCE_NETWORKS: Final[dict[str, Callable[[], Workload]]] = {
    "alexnet": alexnet,
    "vgg16": vgg16,
    "resnet18": lambda: resnet((2, 2, 2, 2), has_bottlenecks=False),
    "resnet34": lambda: resnet((3, 4, 6, 3), has_bottlenecks=False),
    "resnet50": lambda: resnet((3, 4, 6, 3), has_bottlenecks=True),
    "vit-small": lambda: vit(384, 6),
    "vit-base": lambda: vit(768, 12),
    "bert-base": bert_base,
}
