"""Once-for-all MobileNetV3: a resolution and five units of two to four blocks, about 2 * 10^20 architectures.

Source: Cai et al. 2020, arXiv 1908.09791; the architectures that HELP measured (Lee et al. 2021, arXiv 2106.08630) are
in this space. Notations read:

- the canonical key, `176:k5e3-k3e3|k7e6-...`: the resolution, then each unit's blocks by kernel size and expansion;
- HELP's record `{"ks": 20 kernel sizes, "e": 20 expansions, "d": 5 depths, "r": resolution}`, also as a JSON string;
  it has four blocks in every unit, of which those beyond the depth do not exist and are dropped here;
- a list of 21 numbers or names: the resolution, then four blocks of each unit, `absent` beyond the unit's depth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from spaces import ofa_layers as layers
from spaces.base import ArchGraph, Architecture, FloatArray, IntArray, Layer, Notation, Part, Workload
from spaces.decision_space import DecisionSpace, as_integer
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs

NAME: Final = "ofa"
_RESOLUTIONS: Final = tuple(f"r{resolution}" for resolution in layers.RESOLUTIONS)
_BLOCKS: Final = tuple(layers.BLOCKS)
_ABSENT: Final = len(_BLOCKS)
_FEWEST: Final = min(layers.DEPTHS)
_UNITS: Final = len(layers.UNITS)
_LONGEST_TEXT: Final = 10_000
_CHOICES: Final = (
    _RESOLUTIONS,
    *(
        _BLOCKS if position % layers.MOST_BLOCKS < _FEWEST else (*_BLOCKS, layers.ABSENT)
        for position in range(layers.POSITIONS)
    ),
)
_EXPECTED: Final = 'expected a key like 176:k5e3-k3e3|..., a record of "ks", "e", "d" and "r", or 21 choices'


class Ofa(DecisionSpace):
    """The Once-for-all space on ImageNet's 1,000 classes at width 1.2; immutable.

    The third and the fourth block of a unit may be absent, the third only if the fourth is. `sample` draws as the
    source does: depths, kernel sizes, expansions and resolution each uniform, so that shallow networks are as frequent
    as deep ones, of which there are more.
    """

    is_chain = True

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        return NAME

    @property
    def op_names(self) -> tuple[str, ...]:
        """Operations of the graph's nodes."""
        return ("input", "output", *_RESOLUTIONS, *_BLOCKS, layers.ABSENT)

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The first block, the units and the final convolution between stem and head."""
        return ("stem", "first", *(f"unit{unit}" for unit in range(_UNITS)), "final", "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The resolution, then the four blocks of each unit."""
        return _CHOICES

    @property
    def size(self) -> int:
        """Number of architectures."""
        per_unit = sum(len(_BLOCKS) ** depth for depth in layers.DEPTHS)
        return len(_RESOLUTIONS) * per_unit**_UNITS

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of a key, of HELP's record, or of a list of choices.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            return self._parse_text(notation)
        if isinstance(notation, Mapping):
            return self._parse_record(notation)
        if isinstance(notation, (list, tuple, np.ndarray)):
            return self._parse_choices(notation)
        raise InvalidArchitectureError(NAME, notation, _EXPECTED)

    def _parse_text(self, text: str) -> Architecture:
        if len(text) > _LONGEST_TEXT:
            raise InvalidArchitectureError(NAME, text, _EXPECTED)
        stripped = text.strip()
        if stripped.startswith("{"):
            try:
                return self._parse_record(json.loads(stripped))
            except (ValueError, RecursionError):
                raise InvalidArchitectureError(NAME, text, "not a record in JSON") from None
        return self._architectures(np.array([_row(stripped, text)]))[0]

    def _parse_record(self, record: Mapping[str, Any]) -> Architecture:
        try:
            kernels, expansions, depths, resolution = (record[field] for field in ("ks", "e", "d", "r"))
        except KeyError as missing:
            raise InvalidArchitectureError(NAME, record, f"{missing.args[0]!r} is missing") from None
        wanted = ((kernels, layers.POSITIONS), (expansions, layers.POSITIONS), (depths, _UNITS))
        if any(not isinstance(values, (list, tuple)) or len(values) != count for values, count in wanted):
            reason = f'"ks" and "e" need {layers.POSITIONS} numbers each, "d" {_UNITS}'
            raise InvalidArchitectureError(NAME, record, reason)
        row = [_member(record, resolution, layers.RESOLUTIONS)]
        depth_of = [layers.DEPTHS[_member(record, depth, layers.DEPTHS)] for depth in depths]
        for position, (kernel, expansion) in enumerate(zip(kernels, expansions, strict=True)):
            unit, index = divmod(position, layers.MOST_BLOCKS)
            block = _member(record, kernel, layers.KERNELS) * len(layers.EXPANSIONS)
            block += _member(record, expansion, layers.EXPANSIONS)
            row.append(block if index < depth_of[unit] else _ABSENT)
        return self._architectures(np.array([row]))[0]

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 21) resolution and blocks. Raises: InvalidArchitectureError for an architecture of another space."""
        rows = [
            _row(architecture.key if architecture.space == NAME else "", architecture) for architecture in architectures
        ]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(_CHOICES))

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        return [Architecture(NAME, self._key(row)) for row in rows.tolist()]

    def _key(self, row: Sequence[int]) -> str:
        units = []
        for start in range(1, len(row), layers.MOST_BLOCKS):
            blocks = row[start : start + layers.MOST_BLOCKS]
            depth = blocks.index(_ABSENT) if _ABSENT in blocks else len(blocks)
            if any(block != _ABSENT for block in blocks[depth:]):
                raise InvalidArchitectureError(NAME, row, "a block follows an absent one of its unit")
            units.append("-".join(_BLOCKS[block] for block in blocks[:depth]))
        return f"{layers.RESOLUTIONS[row[0]]}:{'|'.join(units)}"

    def repair(self, rows: IntArray) -> IntArray:
        """A fourth block behind an absent third one moves up."""
        repaired = rows.copy()
        blocks = repaired[:, 1:].reshape(len(rows), _UNITS, layers.MOST_BLOCKS)
        has_gap = (blocks[..., -2] == _ABSENT) & (blocks[..., -1] != _ABSENT)
        blocks[has_gap, -2:] = blocks[has_gap, -1:-3:-1]
        repaired[:, 1:] = blocks.reshape(len(rows), layers.POSITIONS)
        return repaired

    def _draw_rows(self, count: int, rng: np.random.Generator) -> IntArray:
        resolutions = rng.integers(len(_RESOLUTIONS), size=(count, 1))
        blocks = rng.integers(len(_BLOCKS), size=(count, _UNITS, layers.MOST_BLOCKS))
        depths = rng.choice(layers.DEPTHS, size=(count, _UNITS, 1))
        blocks[np.arange(layers.MOST_BLOCKS) >= depths] = _ABSENT
        return np.concatenate([resolutions, blocks.reshape(count, layers.POSITIONS)], axis=1)

    def graph(self, architecture: Architecture) -> ArchGraph:
        """A chain of 23 nodes: input (the stem), the resolution, 20 blocks, output (final layers and classifier).

        The resolution is a node of its own, so that encodings of operations see it. Absent blocks are nodes without
        edges, off the mask. Attributes per node: channels in and out, side of the input in pixels, stride (0 at absent
        blocks), `ATTRIBUTE_NAMES`.
        """
        row = self.decisions([architecture])[0]
        ops = np.concatenate([[0], row[:1] + 2, row[1:] + 2 + len(_RESOLUTIONS), [1]])
        mask = np.concatenate([[True, True], row[1:] != _ABSENT, [True]])
        live = np.flatnonzero(mask)
        adjacency = np.zeros((len(ops), len(ops)), dtype=np.bool_)
        adjacency[live[:-1], live[1:]] = True
        resolution = layers.RESOLUTIONS[row[0]]
        blocks = [_block_attributes(position, block, resolution) for position, block in enumerate(row[1:].tolist())]
        ends = _end_attributes(resolution)
        return ArchGraph(
            ops=ops,
            adjacency=adjacency,
            mask=mask,
            attributes=np.array([ends[0], ends[1], *blocks, ends[2]]),
            attribute_names=("in_channels", "out_channels", "size", "stride", *ATTRIBUTE_NAMES),
        )

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order."""
        resolution, *blocks = self.decisions([architecture])[0].tolist()
        pixels = layers.RESOLUTIONS[resolution]
        return Workload(network_layers(pixels, blocks), (layers.IMAGE_CHANNELS, pixels, pixels))

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """Stem and head, which are the resolution's, and each block at that resolution."""
        resolution, *blocks = self.decisions([architecture])[0].tolist()
        return (
            Part(0, (resolution,)),
            *(Part(1 + position, (block, resolution)) for position, block in enumerate(blocks) if block != _ABSENT),
        )

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of the stem and the head, or of a block."""
        *block, resolution = part.variant
        pixels = layers.RESOLUTIONS[resolution]
        if not block:
            return layers.stem_layers(pixels) + layers.head_layers(pixels)
        return layers.block_layers(part.position - 1, _BLOCKS[block[0]], pixels)


def network_layers(resolution: int, blocks: Sequence[int]) -> tuple[Layer, ...]:
    """All layers in execution order of the network with the 20 `blocks` for images of `resolution` pixels."""
    names = (*_BLOCKS, layers.ABSENT)
    body = (
        layer
        for position, block in enumerate(blocks)
        for layer in layers.block_layers(position, names[block], resolution)
    )
    return (*layers.stem_layers(resolution), *body, *layers.head_layers(resolution))


def _row(key: str, notation: object) -> list[int]:
    """Decisions (21,) of a key. Raises: InvalidArchitectureError, quoting the notation, if it is none."""
    resolution, _, rest = key.partition(":")
    units = [unit.split("-") for unit in rest.split("|")]
    known = all(len(unit) in layers.DEPTHS and all(block in layers.BLOCKS for block in unit) for unit in units)
    if f"r{resolution}" not in _RESOLUTIONS or len(units) != _UNITS or not known:
        raise InvalidArchitectureError(NAME, notation, _EXPECTED)
    row = [_RESOLUTIONS.index(f"r{resolution}")]
    for unit in units:
        row += [_BLOCKS.index(block) for block in unit] + [_ABSENT] * (layers.MOST_BLOCKS - len(unit))
    return row


def _member(notation: object, value: object, allowed: tuple[int, ...]) -> int:
    number = as_integer(value)
    if number not in allowed:
        raise InvalidArchitectureError(NAME, notation, f"{value!r:.20} is not one of {', '.join(map(str, allowed))}")
    return allowed.index(number)


@cache
def _block_attributes(position: int, block: int, resolution: int) -> FloatArray:
    if block == _ABSENT:
        return np.zeros(4 + len(ATTRIBUTE_NAMES))
    shapes = layers.block_shapes(position, resolution)
    return np.array([*shapes, *layer_costs(layers.block_layers(position, _BLOCKS[block], resolution))])


@cache
def _end_attributes(resolution: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Attributes of the input, the resolution and the output node."""
    stem, head = layers.stem_layers(resolution), layers.head_layers(resolution)
    return (
        np.array([layers.IMAGE_CHANNELS, layers.STEM_CHANNELS, resolution, 2, *layer_costs(stem)]),
        np.array([layers.IMAGE_CHANNELS, layers.IMAGE_CHANNELS, resolution, 1, *layer_costs(())]),
        np.array([head[0].in_channels, layers.CLASSES, head[0].in_height, 1, *layer_costs(head)]),
    )
