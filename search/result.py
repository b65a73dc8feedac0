"""What a search takes and gives: Budget, Candidate, Progress, SearchResult."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from search.checkpoint import Checkpoint
from search.errors import InvalidBudgetError
from spaces.base import Architecture

Limit = TypeVar("Limit", int, float)
StopReason = Literal["space", "evaluations", "seconds", "cancelled", "stalled"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a run; whichever is reached first ends it.

    Attributes:
        evaluations: distinct architectures evaluated at most, failed ones included.
        seconds: wall time. Batches are cut by the measured speed, so that a run overshoots by less than one batch.

    Raises:
        InvalidBudgetError: a limit that is not a positive finite number.
    """

    evaluations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.evaluations is not None and self.evaluations < 1:
            raise InvalidBudgetError("evaluations", self.evaluations)
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise InvalidBudgetError("seconds", self.seconds)

    @property
    def is_unlimited(self) -> bool:
        """Whether no limit is set."""
        return self.evaluations is None and self.seconds is None

    def within(self, cap: Budget) -> Budget:
        """The budget that keeps the limits of both."""
        return Budget(_least(self.evaluations, cap.evaluations), _least(self.seconds, cap.seconds))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An architecture with the value of every metric of the problem, in the metrics' own direction."""

    architecture: Architecture
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a run after a batch.

    Attributes:
        evaluations: distinct architectures evaluated so far.
        limit: evaluations at which the run ends at the latest.
        seconds: wall time since the start.
        failed: evaluations so far with a metric that was NaN or infinite.
        read_front: gives `front`, which takes longer than many a batch; valid until the next one, like the others.
        read_front_size: gives `front_size`.
        checkpoint: gives what another process would need to go on.
    """

    evaluations: int
    limit: int
    seconds: float
    failed: int
    read_front: Callable[[], tuple[Candidate, ...]]
    read_front_size: Callable[[], int]
    checkpoint: Callable[[], Checkpoint]

    @property
    def front(self) -> tuple[Candidate, ...]:
        """Non-dominated feasible architectures so far, in the order and number of `SearchResult.front`."""
        return self.read_front()

    @property
    def front_size(self) -> int:
        """Members of the whole front so far."""
        return self.read_front_size()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Outcome of a run.

    Attributes:
        front: the non-dominated ones of all feasible architectures evaluated, each once, best first in the first
            objective, then in the next, then by key. Architectures with equal values are all there, but of isomorphic
            ones only the first. Of a front larger than asked for, the least crowded and the best in each objective.
        front_size: members of the whole front.
        evaluations: distinct architectures evaluated.
        failed: those of them that are left out because a metric was NaN or infinite.
        seconds: wall time.
        algorithm: the name in `ALGORITHMS` that ran.
        stopped_by: what ended the run: the `space` was seen as a whole, a limit of the budget, `cancelled` by the
            caller, or `stalled`: the algorithm found nothing new to try.
        complete: whether every architecture of the space was evaluated, so that the front is exact.
        best_reachable: for each constrained metric, the value that came closest to its limits or stayed farthest
            within them, over everything evaluated, each metric on its own.
        best_beside_others: the same over what met all the other constraints; without a metric for which nothing did.
        nearest: where nothing was feasible, the architecture with the smallest sum of relative violations.
    """

    front: tuple[Candidate, ...]
    front_size: int
    evaluations: int
    failed: int
    seconds: float
    algorithm: str
    stopped_by: StopReason
    complete: bool
    best_reachable: Mapping[str, float]
    best_beside_others: Mapping[str, float]
    nearest: Candidate | None

    @property
    def feasible(self) -> bool:
        """Whether an architecture that meets every constraint was found."""
        return bool(self.front)


def _least(first: Limit | None, second: Limit | None) -> Limit | None:
    """The smaller of those that are given."""
    return min((limit for limit in (first, second) if limit is not None), default=None)
