"""Which predictor a device gets: of those fitted to its samples the one that tells them best when they are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from predictors import CostLinear, GraphLinear, choose, cost_linear, fit_cost_linear, fit_graph_linear, graph_linear
from service.left_out import LeftOutErrors, left_out_errors
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray

if TYPE_CHECKING:
    from predictors.graph.pretrained import PretrainedTrunk

Wanted: TypeAlias = Literal["auto", "cost_linear", "graph_linear"]
Fitted: TypeAlias = CostLinear | GraphLinear
NAMES: Final = (cost_linear.NAME, graph_linear.NAME)
# So many samples tell a device by themselves: what a network knows of others adds next to nothing to them (seen on
# held-out devices of NAS-Bench-201), and the device can serve the others as a source.
SOURCE_SAMPLES: Final = 200


class Trunks(Protocol):
    """Networks trained on public devices, one for each space that has one.

    Contract: thread-safe; `digest` loads no network.
    """

    def digest(self, space: str) -> str | None:
        """What tells a network from its successors; None where the space has none or torch is missing."""
        ...

    def absence(self, space: str) -> str:
        """Why there is none."""
        ...

    def load(self, space: SearchSpace) -> PretrainedTrunk:
        """The network of a space that has a digest."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a candidate tells a device's samples, each from the others.

    Attributes:
        name: key in `PREDICTORS`.
        log_density: mean logarithm of the density of each sample per ms; the greatest is chosen. None if not fitted.
        errors: of the left-out predictions; None if not fitted.
        reason: why it was not fitted.
        pretrained_on: public devices whose timings it has seen beside the samples.
    """

    name: str
    log_density: float | None = None
    errors: LeftOutErrors | None = None
    reason: str | None = None
    pretrained_on: tuple[str, ...] = ()

    def of_device(self, device: str) -> dict[str, Any]:
        """As a record of that device."""
        record = asdict(self)
        return record | {"pretrained_on_this_device": device in record.pop("pretrained_on")}


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The predictor of a device, and what spoke for it."""

    predictor: Fitted
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LatencyCandidates:
    """The predictors that devices may get.

    Attributes:
        wanted: the only candidate, or "auto" for all of them. A space without a network leaves `cost_linear` alone.
    """

    wanted: Wanted
    trunks: Trunks

    def basis(self, space: str, samples: int) -> dict[str, str]:
        """The candidates for so many samples, by name, with what they rest on beside these; equal ones fit alike."""
        costs = {cost_linear.NAME: f"format {cost_linear.FORMAT}"}
        digest = self.trunks.digest(space)
        if digest is None or self.wanted == cost_linear.NAME:
            return costs
        graph = {graph_linear.NAME: f"format {graph_linear.FORMAT}, network {digest[:16]}"}
        if self.wanted == graph_linear.NAME:
            return graph
        return costs if samples >= SOURCE_SAMPLES else costs | graph

    def fit(
        self,
        space: SearchSpace,
        architectures: Sequence[Architecture],
        latency_ms: FloatArray,
        sources: Sequence[CostLinear],
    ) -> Choice:
        """Fit every candidate and choose.

        Args:
            architectures: the n measured ones.
            latency_ms: (n,).
            sources: models of other devices, for `cost_linear`.
        """
        basis = self.basis(space.name, len(architectures))
        fitted: dict[str, Fitted] = {}
        if cost_linear.NAME in basis:
            fitted[cost_linear.NAME] = fit_cost_linear(space, architectures, latency_ms, sources)
        if graph_linear.NAME in basis:
            rows = cost_linear.fitted_rows(len(architectures))
            fitted[graph_linear.NAME] = fit_graph_linear(
                self.trunks.load(space), [architectures[row] for row in rows.tolist()], latency_ms[rows]
            )
        evidence = tuple(
            _evidence(fitted[name], latency_ms) if name in fitted else Evidence(name, reason=self._reason(name, space))
            for name in NAMES
        )
        return Choice(choose(fitted.values()), evidence)

    def _reason(self, name: str, space: SearchSpace) -> str:
        """Why a candidate was not fitted."""
        if self.wanted not in ("auto", name):
            return f"this server fits {self.wanted} only (ARCHCAST_PREDICTOR)"
        if self.trunks.digest(space.name) is None:
            return self.trunks.absence(space.name)
        return f"{SOURCE_SAMPLES} samples and more make {cost_linear.NAME} the source of other devices' predictors"


def _evidence(fitted: Fitted, latency_ms: FloatArray) -> Evidence:
    measured_ms = latency_ms[cost_linear.fitted_rows(len(latency_ms))]
    return Evidence(
        fitted.name,
        fitted.line.left_out_log_density,
        left_out_errors(fitted.line, measured_ms),
        pretrained_on=fitted.trunk.devices if isinstance(fitted, GraphLinear) else (),
    )
