"""Errors of the ONNX import: each says why a file was refused."""

from __future__ import annotations

from collections.abc import Sequence

from spaces.errors import SpaceError

_LONGEST_REASON = 500
_SHOWN_NAMES = 20


class ModelRefusedError(SpaceError):
    """A file is no ONNX model that a workload can be read from.

    Attributes:
        reason: what is wrong with it.
    """

    def __init__(self, reason: str):
        reason = printable(reason)
        super().__init__(f"the model is refused: {reason}")
        self.reason = reason


class ModelTooLargeError(ModelRefusedError):
    """The file, its graph or one of its tensors is above a limit."""


class DynamicDimensionsError(ModelRefusedError):
    """Dimensions of the model's inputs are left open.

    Attributes:
        names: of these dimensions, as bindings take them.
    """

    def __init__(self, names: Sequence[str]):
        shown = ", ".join(names[:_SHOWN_NAMES])
        super().__init__(f"{len(names)} dimension(s) are dynamic, bind each to a number: {shown}")
        self.names = [printable(name) for name in names]


class UnknownBindingError(ModelRefusedError):
    """A binding names no dynamic dimension of the model.

    Attributes:
        name: that was bound.
        known: those that could be.
    """

    def __init__(self, name: str, known: Sequence[str]):
        listed = ", ".join(known[:_SHOWN_NAMES]) or "none"
        super().__init__(f"no dynamic dimension is called {name!r}; there are: {listed}")
        self.name = printable(name)
        self.known = [printable(one) for one in known]


def printable(text: str, limit: int = _LONGEST_REASON) -> str:
    """One line without control characters, cut: names inside a model are anybody's text."""
    text = "".join(char if char.isprintable() else " " for char in text.encode("utf-8", "replace").decode())
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
