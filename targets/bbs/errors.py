"""Errors of the package `targets.bbs`."""

from targets.errors import TargetError


class BinaryPruningError(TargetError):
    """A tensor or a setting that binary pruning cannot work with."""
