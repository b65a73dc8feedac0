"""Draws what the catalogue's simulated devices attain by arithmetic intensity, as SVG without any library."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from targets import BitModHardware, RooflineHardware, load_hardware

_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 760, 430, 60, 190
# log10 of MACs per byte, and of 10^9 MACs per second.
_X, _Y = (-1.0, 4.0), (-1.0, 5.5)
_COLOURS: Final = ("#1b6ca8", "#d1495b", "#edae49", "#00798c", "#7b2d8b", "#5b8c5a", "#8d6346", "#333333", "#e07be0")
_SHOWN: Final = (
    "roofline-server-gpu",
    "bitmod-lossy",
    "bitmod-lossless",
    "olive",
    "ant",
    "fp16",
    "roofline-edge-npu",
    "roofline-phone-cpu",
    "roofline-microcontroller",
)


def draw_rooflines(path: Path) -> None:
    """Write the picture: peak and bandwidth at native precision, both axes logarithmic."""
    lines = [_line(name, colour, place) for place, (name, colour) in enumerate(zip(_SHOWN, _COLOURS, strict=True))]
    body = "\n".join([*_axes(), *lines])
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>\n{body}\n</svg>\n',
        encoding="utf-8",
    )


def roof(name: str) -> tuple[float, float]:
    """Peak in 10^9 MACs per second, and bandwidth in 10^9 bytes per second, at native precision."""
    hardware = load_hardware(name)
    if isinstance(hardware, RooflineHardware):
        widest = max(hardware.native_weight_bits, hardware.native_activation_bits)
        unit = next(unit for unit in hardware.arithmetic if unit.operand_bits >= widest)
        return unit.peak_gmacs_per_s, hardware.memory_bandwidth_gb_per_s
    assert isinstance(hardware, BitModHardware)
    step = math.ceil(math.floor(hardware.native_weight_bits) / 2) if hardware.is_bit_serial else 1
    macs_per_cycle = hardware.rows * hardware.columns * hardware.dot_product / step
    return macs_per_cycle * hardware.clock_ghz, hardware.dram_bits_per_cycle / 8 * hardware.clock_ghz


def _line(name: str, colour: str, place: int) -> str:
    peak, bandwidth = roof(name)
    ridge = math.log10(peak / bandwidth)
    points = [(_X[0], math.log10(bandwidth) + _X[0]), (ridge, math.log10(peak)), (_X[1], math.log10(peak))]
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    x, y = _WIDTH - _LEGEND + 12, _MARGIN + 18 * place
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>'
        f'<text x="{x + 24}" y="{y}">{name}</text>'
    )


def _axes() -> Iterable[str]:
    for power in range(math.ceil(_X[0]), math.floor(_X[1]) + 1):
        yield _tick(_x(power), _y(_Y[0]), _x(power), _y(_Y[1]), f"{10.0**power:g}", 0, 16)
    for power in range(math.ceil(_Y[0]), math.floor(_Y[1]) + 1):
        yield _tick(_x(_X[0]), _y(power), _x(_X[1]), _y(power), f"{10.0**power:g}", -26, 4)
    yield f'<text x="{(_x(_X[0]) + _x(_X[1])) / 2:.0f}" y="{_HEIGHT - 14}" text-anchor="middle">MACs per byte</text>'
    middle = _HEIGHT / 2
    yield (
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">'
        "10^9 MACs per second</text>"
    )


def _tick(x1: float, y1: float, x2: float, y2: float, label: str, dx: float, dy: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
        f'<text x="{x1 + dx:.1f}" y="{y1 + dy:.1f}" text-anchor="middle">{label}</text>'
    )


def _x(value: float) -> float:
    return _MARGIN + (value - _X[0]) / (_X[1] - _X[0]) * (_WIDTH - _MARGIN - _LEGEND)


def _y(value: float) -> float:
    return _HEIGHT - _MARGIN + 10 - (value - _Y[0]) / (_Y[1] - _Y[0]) * (_HEIGHT - _MARGIN - 30)
