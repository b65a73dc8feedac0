"""The evaluation: where every algorithm has its architectures evaluated, in batches, once each, within the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import islice, takewhile

import numpy as np

from search.archive import Archive
from search.checkpoint import Checkpoint
from search.errors import InvalidCheckpointError
from search.problem import Problem
from search.result import Budget, Progress, SearchResult, StopReason
from spaces.base import Architecture, FloatArray, SearchSpace

OnProgress = Callable[[Progress], bool]

# The first batch measures the speed; later ones are as large as this time allows, so that a cancelled run ends soon.
_FIRST_BATCH = 32
_LARGEST_BATCH = 4096
_BATCH_SECONDS = 0.25
_SECONDS_BETWEEN_POLLS = 0.1


class Evaluation:
    """One run's access to the objectives; not thread-safe.

    Contract with an algorithm: evaluate architectures through `evaluate` only, `poll` where something else takes long,
    and return as soon as `is_finished` holds. The budget, the archive of the best and the caller's wish to stop are
    then seen to here.

    A run that goes on from a checkpoint begins anew, and what the checkpoint knows is recalled instead of evaluated: as
    an algorithm depends on nothing but values and random numbers, it comes to where the run was left, and then to what
    that would have found.

    Attributes:
        initial: distinct architectures to start from, such as an earlier front; an algorithm evaluates them first.
    """

    def __init__(
        self,
        problem: Problem,
        budget: Budget,
        on_progress: OnProgress | None = None,
        cap: Budget | None = None,
        largest_front: int | None = None,
        initial: Sequence[Architecture] = (),
        checkpoint: Checkpoint | None = None,
    ):
        self.problem = problem
        self.initial = tuple(dict.fromkeys(initial))
        self._budget = budget
        self._on_progress = on_progress
        self._largest_front = largest_front
        self._archive = Archive(problem)
        self._rows: dict[Architecture, int] = {}
        self._table: FloatArray = np.empty((_FIRST_BATCH, len(problem.metric_names)))  # doubles when it is full
        self._recalled: dict[Architecture, FloatArray] = {}  # of the checkpoint, and not asked for in this run yet
        limits = budget.within(cap or Budget())
        self._limit = min(problem.space.size, limits.evaluations or problem.space.size)
        self._seconds = limits.seconds
        self._batch = _FIRST_BATCH
        self._start = time.monotonic()
        self._next_poll = self._start + _SECONDS_BETWEEN_POLLS
        self._stopped_by: StopReason | None = None
        if checkpoint is not None:
            self._restore(checkpoint)

    @property
    def space(self) -> SearchSpace:
        """The space of the problem."""
        return self.problem.space

    @property
    def evaluations(self) -> int:
        """Distinct architectures evaluated so far, those of the checkpoint included."""
        return len(self._rows) + len(self._recalled)

    @property
    def limit(self) -> int:
        """Evaluations that the budget and the space allow from the start of the run."""
        return self._limit

    @property
    def remaining(self) -> int:
        """Evaluations that the budget and the space still allow the algorithm, which may be behind its checkpoint."""
        return self._limit - len(self._rows)

    @property
    def is_finished(self) -> bool:
        """Whether the run is over: budget used up, whole space seen, or cancelled."""
        return self._stopped_by is not None

    @property
    def seconds(self) -> float:
        """Wall time since the start of the run."""
        return time.monotonic() - self._start

    @property
    def seconds_left(self) -> float | None:
        """Wall time that the budget still allows, positive; None where it does not limit it."""
        return None if self._seconds is None else max(self._seconds - self.seconds, 1e-3)

    def known(self) -> tuple[list[Architecture], FloatArray]:
        """Everything evaluated so far, in that order, and its (n, metrics) values."""
        return list(self._rows), self._table[: len(self._rows)].copy()

    def bound(self, evaluations: int) -> None:
        """Sets a number of evaluations where the caller's budget has no limit at all."""
        if self._budget.is_unlimited:
            self._limit = min(self._limit, evaluations)
            self._stopped_by = self._stopped_by or (self._stop_reason(False) if self._recalled else None)

    def poll(self) -> bool:
        """Whether the run is over, which cancelling and time decide also while nothing is evaluated; cheap."""
        if not self.is_finished and time.monotonic() >= self._next_poll:
            self._note_progress()
        return self.is_finished

    def __contains__(self, architecture: Architecture) -> bool:
        """Whether the architecture has been evaluated in this run."""
        return architecture in self._rows

    def evaluate(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Values of the architectures; what was evaluated before is remembered and costs nothing.

        Returns:
            (k, metrics) values of the first k architectures; k < n only if the run finished before the rest.

        Raises:
            ObjectiveShapeError: an objective returned the wrong shape. What an objective raises passes through.
        """
        new = [architecture for architecture in dict.fromkeys(architectures) if architecture not in self]
        new = new[: self.remaining]
        done = 0
        while done < len(new) and not self.is_finished:
            batch = self._recall(new[done:]) or self._evaluate_batch(new[done : done + self._batch])
            done += len(batch)
        rows = [self._rows[architecture] for architecture in takewhile(self.__contains__, architectures)]
        return self._table[rows]

    def result(self, algorithm: str) -> SearchResult:
        """Outcome of the run as it stands."""
        return SearchResult(
            front=self._archive.front(self._largest_front),
            front_size=self._archive.front_size,
            evaluations=self.evaluations,
            failed=self._archive.failed,
            seconds=self.seconds,
            algorithm=algorithm,
            stopped_by=self._stopped_by or "stalled",
            complete=self.evaluations == self.space.size,
            best_reachable=dict(self._archive.best_reachable),
            best_beside_others=dict(self._archive.best_beside_others),
            nearest=self._archive.nearest,
        )

    def _recall(self, wanted: Sequence[Architecture]) -> list[Architecture]:
        """Those at the beginning of `wanted` that the checkpoint knows, from now on evaluated in this run."""
        found = list(takewhile(self._recalled.__contains__, wanted)) if self._recalled else []
        if found:
            self._store(found, np.array([self._recalled.pop(each) for each in found]))
            if not self._recalled:
                self._note_progress()
            self.poll()
        return found

    def _evaluate_batch(self, wanted: Sequence[Architecture]) -> list[Architecture]:
        """Evaluates those at the beginning of `wanted` that the checkpoint does not know, within the limit."""
        unknown = takewhile(lambda each: each not in self._recalled, wanted)
        batch = list(islice(unknown, self._limit - self.evaluations))
        start = time.monotonic()
        values = self.problem.evaluate(batch)
        self._store(batch, values)
        self._archive.add(batch, values)
        self._adapt_batch(len(batch) / max(time.monotonic() - start, 1e-6))
        self._note_progress()
        return batch

    def _store(self, architectures: Sequence[Architecture], values: FloatArray) -> None:
        first = len(self._rows)
        if first + len(values) > len(self._table):
            larger = np.empty((max(2 * len(self._table), first + len(values)), values.shape[1]))
            larger[:first] = self._table[:first]
            self._table = larger
        self._table[first : first + len(values)] = values
        self._rows.update(zip(architectures, range(first, first + len(values)), strict=True))

    def _adapt_batch(self, architectures_per_second: float) -> None:
        seconds = _BATCH_SECONDS
        if self._seconds is not None:
            seconds = min(seconds, max(0.0, self._seconds - self.seconds))
        self._batch = int(np.clip(architectures_per_second * seconds, 1, _LARGEST_BATCH))

    def _note_progress(self) -> None:
        self._stopped_by = self._stop_reason(self._is_cancelled())
        self._next_poll = time.monotonic() + _SECONDS_BETWEEN_POLLS

    def _is_cancelled(self) -> bool:
        if self._on_progress is None:
            return False
        progress = Progress(
            evaluations=self.evaluations,
            limit=self._limit,
            seconds=self.seconds,
            failed=self._archive.failed,
            read_front=lambda: self._archive.front(self._largest_front),
            read_front_size=lambda: self._archive.front_size,
            checkpoint=self._checkpoint,
        )
        return self._on_progress(progress)

    def _checkpoint(self) -> Checkpoint:
        known = [*self._rows, *self._recalled]
        values = np.concatenate([self._table[: len(self._rows)], *(row[None] for row in self._recalled.values())])
        return Checkpoint(
            space=self.space.name,
            metrics=self.problem.metric_names,
            keys=tuple(architecture.key for architecture in known),
            values=values,
            initial=tuple(architecture.key for architecture in self.initial),
            seconds=self.seconds,
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        problem = (self.space.name, self.problem.metric_names)
        if (checkpoint.space, checkpoint.metrics) != problem:
            raise InvalidCheckpointError(f"it is of {checkpoint.space} with {checkpoint.metrics}, this is {problem}")
        known = [Architecture(checkpoint.space, key) for key in checkpoint.keys]
        self._recalled = dict(zip(known, checkpoint.values, strict=True))
        self._archive.add(known, checkpoint.values)
        self._start -= checkpoint.seconds
        # An earlier job's front may have grown since.
        self.initial = tuple(Architecture(checkpoint.space, key) for key in checkpoint.initial)
        self._stopped_by = self._stop_reason(is_cancelled=False)

    def _stop_reason(self, is_cancelled: bool) -> StopReason | None:
        if self.evaluations == self.space.size:
            return "space"
        if is_cancelled:
            return "cancelled"
        if self.evaluations >= self._limit:
            return "evaluations"
        if self._seconds is not None and self.seconds >= self._seconds:
            return "seconds"
        return None
