"""What the value of a proxy depends on beside the architecture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from arch_encodings.zero_cost.inputs import INPUTS
from arch_encodings.zero_cost.subject import INITIALIZATIONS

_NUMERICS: Final = 1  # to be raised when a formula changes, so that no value kept from before is taken for a new one
_DEFAULT_INITIALIZATION: Final = "uniform_fan_in"
_INITIALIZATION: Final = {"fbnet": "normal_fan_out", "fbnet_imagenet": "normal_fan_out"}


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Seed, batch and weights; two values are comparable only under equal settings.

    Attributes:
        seed: of weights, images, labels and noise.
        batch_size: samples in the batch, at least 2.
        images: name in `INPUTS`.
        initialization: name in `INITIALIZATIONS`.
    """

    seed: int = 0
    batch_size: int = 64
    images: str = "natural"
    initialization: str = _DEFAULT_INITIALIZATION

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise ValueError(f"batch_size must be at least 2, got {self.batch_size}")
        for name, registry in ((self.images, INPUTS), (self.initialization, INITIALIZATIONS)):
            if name not in registry:
                raise ValueError(f"expected one of {', '.join(registry)}, got {name!r}")

    @property
    def configuration(self) -> str:
        """All of it in one line: the key under which values are kept."""
        return json.dumps({"numerics": _NUMERICS, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def of_space(cls, space: str, *, seed: int = 0, batch_size: int = 64) -> ProxySettings:
        """The settings with the weights that the space's reference values were computed with."""
        initialization = _INITIALIZATION.get(space, _DEFAULT_INITIALIZATION)
        return cls(seed=seed, batch_size=batch_size, initialization=initialization)
