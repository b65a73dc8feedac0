"""Values that enter and leave the repositories in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LayerProfile:
    """How a latency divides among the network's layers.

    Attributes:
        layers: digest of the layers; figures for others than a network now has say nothing.
        layer_ms: what each layer took, 0 where it ran together with another; less than the latency together, the rest
            being what runs between layers.
    """

    layers: str
    layer_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MeasurementRow:
    """One observed cost of one architecture on one device: what importers and uploads deliver.

    Attributes:
        device: name of a registered device.
        space, architecture: a space's name and a canonical architecture of it.
        value: positive and finite, in `unit`.
        metric: the name carries the unit: `latency_ms` in ms, `energy_mj` in mJ.
        statistic: how runs became one value: `mean`, `median`, ..., `model` if nothing was run; empty if unknown.
        runs: timed runs behind the value.
        batch_size: samples per run.
        precision: of the arithmetic, for example `fp32`.
        input_shape: of one sample, for example `3x32x32`.
        measured_at: aware time.
        profile: of a latency, where it is known. A row that differs from the stored one in nothing but that it has
            none takes nothing away.
    """

    device: str
    space: str
    architecture: str
    value: float
    metric: str = "latency_ms"
    unit: str = "ms"
    statistic: str = ""
    runs: int | None = None
    batch_size: int | None = None
    precision: str = ""
    runtime: str = ""
    runtime_version: str = ""
    input_shape: str = ""
    measured_at: datetime | None = None
    profile: LayerProfile | None = None


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What storing rows did: `updated` rows replaced a differing one, `unchanged` ones were there already."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: StoreCounts) -> StoreCounts:
        return StoreCounts(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )

    @property
    def total(self) -> int:
        """Rows seen."""
        return self.inserted + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class AccuracyCount:
    """How many accuracies of one source a space has on a data set."""

    space: str
    dataset: str
    source: str
    count: int


@dataclass(frozen=True, slots=True)
class UndoCounts:
    """What undoing an upload did: rows `removed`, and earlier rows `restored` to be the current ones."""

    removed: int
    restored: int
