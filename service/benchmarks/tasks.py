"""The twelve tasks of NASFLAT: which devices are known and which are new.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446, and the task list that its authors released. Names are those of
the HELP and EAGLE tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Task:
    """Devices of one task: `sources` are known, `targets` are new ones, each by itself."""

    name: str
    space: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]


_ALL: Final = (
    Task(
        "ND",
        "nb201",
        (
            "1080ti_1",
            "1080ti_32",
            "1080ti_256",
            "silver_4114",
            "silver_4210r",
            "samsung_a50",
            "pixel3",
            "essential_ph_1",
            "samsung_s7",
        ),
        ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss"),
    ),
    Task(
        "N1",
        "nb201",
        (
            "embedded_tpu_edge_tpu_int8",
            "eyeriss",
            "mobile_gpu_snapdragon_675_adreno_612_int8",
            "mobile_gpu_snapdragon_855_adreno_640_int8",
            "pixel3",
        ),
        ("1080ti_1", "titan_rtx_32", "titanxp_1", "2080ti_32", "titan_rtx_1"),
    ),
    Task(
        "N2",
        "nb201",
        ("1080ti_1", "1080ti_32", "titanx_32", "titanxp_1", "titanxp_32"),
        (
            "embedded_gpu_jetson_nano_fp16",
            "embedded_tpu_edge_tpu_int8",
            "mobile_dsp_snapdragon_675_hexagon_685_int8",
            "mobile_dsp_snapdragon_855_hexagon_690_int8",
            "pixel3",
        ),
    ),
    Task(
        "N3",
        "nb201",
        (
            "desktop_gpu_gtx_1080ti_fp32",
            "embedded_gpu_jetson_nano_fp16",
            "eyeriss",
            "mobile_dsp_snapdragon_675_hexagon_685_int8",
            "mobile_gpu_snapdragon_855_adreno_640_int8",
        ),
        ("1080ti_1", "2080ti_1", "titanxp_1", "2080ti_32", "titanxp_32"),
    ),
    Task(
        "N4",
        "nb201",
        (
            "desktop_cpu_core_i7_7820x_fp32",
            "embedded_gpu_jetson_nano_fp32",
            "embedded_tpu_edge_tpu_int8",
            "eyeriss",
            "mobile_cpu_snapdragon_855_kryo_485_int8",
            "mobile_dsp_snapdragon_675_hexagon_685_int8",
            "mobile_dsp_snapdragon_855_hexagon_690_int8",
            "mobile_gpu_snapdragon_675_adreno_612_int8",
            "mobile_gpu_snapdragon_855_adreno_640_int8",
            "pixel2",
        ),
        ("1080ti_1", "2080ti_1", "titan_rtx_1"),
    ),
    Task(
        "NA",
        "nb201",
        (
            "titan_rtx_1",
            "titan_rtx_32",
            "titanxp_1",
            "2080ti_1",
            "titanx_1",
            "1080ti_1",
            "titanx_32",
            "titanxp_32",
            "2080ti_32",
            "1080ti_32",
            "gold_6226",
            "samsung_s7",
            "silver_4114",
            "gold_6240",
            "silver_4210r",
            "samsung_a50",
            "pixel2",
        ),
        ("eyeriss", "desktop_gpu_gtx_1080ti_fp32", "embedded_tpu_edge_tpu_int8"),
    ),
    Task(
        "FD",
        "fbnet",
        (
            "1080ti_1",
            "1080ti_32",
            "1080ti_64",
            "silver_4114",
            "silver_4210r",
            "samsung_a50",
            "pixel3",
            "essential_ph_1",
            "samsung_s7",
        ),
        ("fpga", "raspi4", "eyeriss"),
    ),
    Task(
        "F1",
        "fbnet",
        ("2080ti_1", "essential_ph_1", "silver_4114", "titan_rtx_1", "titan_rtx_32"),
        ("eyeriss", "fpga", "raspi4", "samsung_a50", "samsung_s7"),
    ),
    Task(
        "F2",
        "fbnet",
        ("essential_ph_1", "gold_6226", "gold_6240", "pixel3", "raspi4"),
        ("1080ti_1", "1080ti_32", "2080ti_32", "titan_rtx_1", "titanxp_1"),
    ),
    Task(
        "F3",
        "fbnet",
        ("essential_ph_1", "pixel2", "pixel3", "raspi4", "samsung_s7"),
        ("1080ti_1", "1080ti_32", "2080ti_1", "titan_rtx_1", "titan_rtx_32"),
    ),
    Task(
        "F4",
        "fbnet",
        (
            "1080ti_64",
            "2080ti_1",
            "eyeriss",
            "gold_6226",
            "gold_6240",
            "raspi4",
            "samsung_s7",
            "silver_4210r",
            "titan_rtx_1",
            "titan_rtx_32",
        ),
        ("1080ti_1", "pixel2", "essential_ph_1"),
    ),
    Task(
        "FA",
        "fbnet",
        (
            "1080ti_1",
            "1080ti_32",
            "1080ti_64",
            "2080ti_1",
            "2080ti_32",
            "2080ti_64",
            "titan_rtx_1",
            "titan_rtx_32",
            "titan_rtx_64",
            "titanx_1",
            "titanx_32",
            "titanx_64",
            "titanxp_1",
            "titanxp_32",
            "titanxp_64",
        ),
        ("gold_6226", "essential_ph_1", "samsung_s7", "pixel2"),
    ),
)
TASKS: Final[dict[str, Task]] = {task.name: task for task in _ALL}
