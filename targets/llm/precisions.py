"""The weight widths at which BitMoD's authors compare accelerators, from `precisions.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from targets.base import Mode


def comparison_weight_bits(accelerator: str, model: str, stage: str, mode: Mode) -> float | None:
    """Weight bits of the comparison, None where the accelerator's native width is used.

    `refined` compares at the same widths as `published`.
    """
    table = _table()["figures" if mode == "figures" else "published"]
    return table.get(accelerator, {}).get(stage, {}).get(model)


@cache
def _table() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    return yaml.safe_load(files("targets.llm").joinpath("precisions.yaml").read_text(encoding="utf-8"))
