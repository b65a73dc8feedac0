"""Errors of the package `spaces`."""

import reprlib


class SpaceError(Exception):
    """Base of every error that `spaces` raises on purpose."""


class UnknownSpaceError(SpaceError):
    """No search space of that name is registered."""

    def __init__(self, name: str, known: list[str]):
        super().__init__(f"unknown search space {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = known


class InvalidArchitectureError(SpaceError):
    """A notation does not name an architecture of the space."""

    def __init__(self, space: str, notation: object, reason: str):
        super().__init__(f"{_BRIEFLY.repr(notation)} is no architecture of {space}: {reason}")
        self.space = space
        self.notation = notation
        self.reason = reason


class IndexUnavailableError(InvalidArchitectureError):
    """An index was given, but the benchmark's own order of architectures has not been imported yet."""


class NotEnumerableError(SpaceError):
    """The space is too large to be listed."""

    def __init__(self, space: str, size: int):
        super().__init__(f"{space} has {size:.3g} architectures and cannot be enumerated")
        self.space = space
        self.size = size


class UnknownLayerGroupError(SpaceError):
    """No such group of layers, or one that has no layers left beside others."""

    def __init__(self, space: str, name: str, reason: str):
        super().__init__(f"{name!r} is no layer group of {space}: {reason}")
        self.space = space
        self.name = name
        self.reason = reason


class _BriefRepr(reprlib.Repr):
    """`repr` of whatever a user sent: short, and safe for deep nesting and for integers too long to print."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = 24
        self.maxstring = self.maxother = 120

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 256 else f"<an integer of {x.bit_length()} bits>"


_BRIEFLY = _BriefRepr()
