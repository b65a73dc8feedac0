"""Limits of a search that hardware keeps by itself."""

from __future__ import annotations

from typing import Any

from device_db import Device
from service.schemas.searches import SearchRequest
from service.search_metrics import of_device


def within_limits(device: Device, request: SearchRequest) -> dict[str, Any]:
    """The device's description; an FPGA part is told the request's limit of LUTs, which networks are folded to keep."""
    config = device.config
    if config.get("target") != "fpga_unrolled" or config.get("max_luts") is not None:
        return config
    is_first = device.name == next(iter(request.named_devices))
    names = {of_device("luts", device.name), *(["luts"] if is_first else [])}
    limits = [limit.max for name, limit in request.constraints.items() if name in names and limit.max]
    return {**config, "max_luts": min(limits)} if limits and min(limits) > 0 else config
