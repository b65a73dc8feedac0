"""Errors of the package `predictors`."""

from collections.abc import Sequence


class PredictorError(Exception):
    """Base of every error that `predictors` raises on purpose."""


class TooFewSamplesError(PredictorError):
    """A predictor needs more measured architectures than it was given."""

    def __init__(self, needed: int, got: int):
        super().__init__(f"a predictor needs at least {needed} measured architectures, got {got}")
        self.needed = needed
        self.got = got


class NotPretrainedError(PredictorError):
    """The package has no network for the accuracies of a space on a data set."""

    def __init__(self, space: str, dataset: str, known: Sequence[str]):
        listed = ", ".join(known) or "none"
        super().__init__(f"no pre-trained accuracies of {space} on {dataset!r}; data sets of this space: {listed}")
        self.space = space
        self.dataset = dataset
        self.known = tuple(known)


class InvalidArtifactError(PredictorError):
    """Stored bytes are no predictor of this version."""

    def __init__(self, reason: str):
        super().__init__(f"not a readable predictor: {reason}")
        self.reason = reason


class NoPretrainedNetworkError(PredictorError):
    """No trained network of that kind comes with the package for the space."""

    def __init__(self, space: str, kind: str):
        super().__init__(f"no pre-trained {kind} network comes with the package for {space}")
        self.space = space
        self.kind = kind
