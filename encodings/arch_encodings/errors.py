"""Errors of the package `arch_encodings`."""

from pathlib import Path


class EncodingError(Exception):
    """Base of every error that `arch_encodings` raises on purpose."""


class UnsupportedSpaceError(EncodingError):
    """The encoding is not defined, or not practical, on this search space."""

    def __init__(self, encoder: str, space: str, reason: str):
        super().__init__(f"encoding {encoder!r} does not cover the space {space!r}: {reason}")
        self.encoder = encoder
        self.space = space
        self.reason = reason


class InvalidWeightsError(EncodingError):
    """A file does not hold trained weights, or not the ones that are needed."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"cannot use {path}: {reason}")
        self.path = path
        self.reason = reason


class UnknownProxyError(EncodingError):
    """There is no zero-cost proxy of that name."""

    def __init__(self, name: str, known: tuple[str, ...]):
        super().__init__(f"unknown zero-cost proxy {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = known
