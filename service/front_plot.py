"""A front as a picture, SVG or PNG; needs the extra `plots`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.errors import ExtraMissingError

Row = Mapping[str, Any]
PICTURES: Final = {"svg": "image/svg+xml", "png": "image/png"}
_PANEL_INCHES: Final = 4.5
_LABELS: Final = {
    "accuracy": "accuracy",
    "latency_ms": "latency, ms",
    "energy_mj": "energy, mJ",
    "area_mm2": "area, mm²",
    "luts": "LUTs",
    "quantisation_sqnr_db": "weights' signal to noise, dB",
    "macs": "MACs",
    "params": "parameters",
    "peak_memory_bytes": "peak memory, bytes",
}


def plot_front(front: Sequence[Row], objectives: Sequence[str], title: str, kind: str) -> bytes:
    """The first objective against each other one, a panel for each; with bounds of the latency where there are some.

    Args: kind: a key of `PICTURES`.
    Raises: ExtraMissingError without matplotlib.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ExtraMissingError("plots", "matplotlib") from error
    others = objectives[1:] or objectives
    # Equal fronts are equal files: SVG's ids and date would differ.
    with mpl.rc_context({"svg.hashsalt": "archcast", "svg.fonttype": "none"}):
        figure = Figure(figsize=(_PANEL_INCHES * len(others), _PANEL_INCHES), layout="constrained")
        panels = figure.subplots(1, len(others), squeeze=False)[0]
        for panel, name in zip(panels, others, strict=True):
            x, y = [row[name] for row in front], [row[objectives[0]] for row in front]
            bounds = _bounds(front, name)
            if bounds is not None:
                panel.errorbar(x, y, xerr=bounds, fmt="none", ecolor="0.75", linewidth=1, zorder=1)
            panel.scatter(x, y, s=14, zorder=2)
            panel.set_xlabel(_label(name))
        panels[0].set_ylabel(_label(objectives[0]))
        figure.suptitle(title, fontsize="medium")
        sink = io.BytesIO()
        figure.savefig(sink, format=kind, dpi=120, metadata={"Date": None} if kind == "svg" else None)
    return sink.getvalue()


def _bounds(front: Sequence[Row], name: str) -> list[list[float]] | None:
    """Distances to the lower and upper bounds; None where a member has none or none has any spread."""
    metric, _, device = name.partition("@")
    if metric != "latency_ms":
        return None
    holders = [row.get("devices", {}).get(device, {}) if device else row for row in front]
    if not all({"lower_ms", "upper_ms"} <= holder.keys() for holder in holders):
        return None
    pairs = list(zip(front, holders, strict=True))
    below = [max(0.0, row[name] - holder["lower_ms"]) for row, holder in pairs]
    above = [max(0.0, holder["upper_ms"] - row[name]) for row, holder in pairs]
    return [below, above] if any(below) or any(above) else None


def _label(name: str) -> str:
    metric, _, device = name.partition("@")
    return f"{_LABELS.get(metric, metric)}{' on ' + device if device else ''}"
