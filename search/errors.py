"""Errors of the package `search`.

SearchError
├── InvalidProblemError        objectives or constraints that make no sense together
├── InvalidBudgetError         a limit that is not positive
├── UnknownAlgorithmError      no algorithm of that name
├── InvalidCheckpointError     bytes or a state from which this run cannot go on
└── ObjectiveShapeError        an objective returned something else than one number per architecture
"""

from collections.abc import Sequence


class SearchError(Exception):
    """Base of every error that `search` raises on purpose."""


class InvalidProblemError(SearchError):
    """Objectives or constraints that make no sense together."""

    def __init__(self, reason: str):
        super().__init__(f"the search problem is not valid: {reason}")
        self.reason = reason


class InvalidBudgetError(SearchError):
    """A limit of the budget that is not a positive finite number."""

    def __init__(self, limit: str, value: object):
        super().__init__(f"budget.{limit} must be a positive finite number, got {value!r}")
        self.limit = limit
        self.value = value


class UnknownAlgorithmError(SearchError):
    """No search algorithm of that name is registered."""

    def __init__(self, name: str, known: Sequence[str]):
        super().__init__(f"unknown search algorithm {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = list(known)


class InvalidCheckpointError(SearchError):
    """Bytes that are no checkpoint, or one of another problem."""

    def __init__(self, reason: str):
        super().__init__(f"the search cannot go on from this checkpoint: {reason}")
        self.reason = reason


class ObjectiveShapeError(SearchError):
    """An objective returned something else than one number per architecture."""

    def __init__(self, objective: str, expected: tuple[int, ...], got: tuple[int, ...]):
        super().__init__(f"objective {objective!r} returned shape {got} for a batch of shape {expected}")
        self.objective = objective
        self.expected = expected
        self.got = got
