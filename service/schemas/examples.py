"""Complete bodies that a server answers as it is after its first start, for the pages that document its API."""

from typing import Final

from pydantic import JsonValue

_CELL: Final = "4-3-2-1-3-3"

PREDICTIONS: Final[list[JsonValue]] = [
    {"space": "nb201", "device": "roofline-phone-cpu", "architectures": [_CELL, [3, 3, 1, 3, 1, 0]]},
    {"space": "nb201", "device": "roofline-phone-cpu", "architecture": _CELL, "breakdown": True},
]

SEARCHES: Final[list[JsonValue]] = [
    {
        "space": "nb201",
        "device": "roofline-phone-cpu",
        "objectives": ["accuracy", "latency_ms"],
        "constraints": {"latency_ms": {"max": 4}},
        "budget": {"evaluations": 500},
    },
    {
        "space": "nb201",
        "device": "bitmod-lossy",
        "objectives": ["latency_ms", "quantisation_sqnr_db"],
        "constraints": {"area_mm2": {"max": 5}},
        "precision": {"weight_format": ["bitmod3", "bitmod4", "int6"]},
        "hardware": {"rows": [16, 32, 64]},
        "budget": {"evaluations": 500},
    },
]

SIMULATIONS: Final[list[JsonValue]] = [
    {"device": "fpga_unrolled", "space": "nb201", "architecture": _CELL, "set": {"sparsity": 0.9}},
    {"device": "bitmod-lossy", "model": "llama-2-7b", "stage": "decode", "mode": "refined"},
    {
        "device": "fpga-zu9eg",
        "layers": [
            {"name": "stem", "kind": "conv", "in_channels": 3, "out_channels": 16, "in_height": 32, "kernel": 3},
            {"name": "wide", "kind": "conv", "in_channels": 16, "in_height": 32, "kernel": 3},
            {"name": "narrow", "kind": "conv", "in_channels": 16, "in_height": 32, "reads": ["stem"]},
            {"name": "sum", "kind": "add", "in_channels": 16, "in_height": 32, "reads": ["wide", "narrow"]},
        ],
    },
    {"device": "m4bram", "network": "resnet18"},
]

ENCODINGS: Final[list[JsonValue]] = [
    {"space": "nb201", "architectures": [_CELL, [3, 3, 1, 3, 1, 0]], "encodings": ["cost", "adjacency"]}
]

DEVICES: Final[list[JsonValue]] = [{"name": "my-board", "description": "a board on my desk"}]
