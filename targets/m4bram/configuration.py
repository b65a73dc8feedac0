"""Unroll factors of an accelerator: one configuration, and many as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

IntArray = NDArray[np.int64]
Factor = Annotated[int, Field(ge=0, le=4096)]


class Configuration(BaseModel):
    """How many of each dimension are computed at a time; the factors of what a design lacks are 0.

    Attributes:
        pvec: output rows.
        dsp_qvec: output columns of the DSPs.
        dsp_cvec: input channels of the DSPs.
        dsp_kvec: output channels of the DSPs.
        bram_qvec: output columns of the block RAMs.
        bram_cvec: input channels of the block RAMs.
        bram_kvec: output channels of the block RAMs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    pvec: Annotated[int, Field(ge=1, le=4096)] = 1
    dsp_qvec: Factor = 0
    dsp_cvec: Factor = 0
    dsp_kvec: Factor = 0
    bram_qvec: Factor = 0
    bram_cvec: Factor = 0
    bram_kvec: Factor = 0


@dataclass(frozen=True, slots=True, eq=False)
class Configurations:
    """n configurations; see `Configuration` for the factors, each (n,) int64."""

    pvec: IntArray
    dsp_qvec: IntArray
    dsp_cvec: IntArray
    dsp_kvec: IntArray
    bram_qvec: IntArray
    bram_cvec: IntArray
    bram_kvec: IntArray

    def __len__(self) -> int:
        return len(self.pvec)

    def __getitem__(self, index: int) -> Configuration:
        return Configuration(**{field.name: int(getattr(self, field.name)[index]) for field in fields(self)})

    @classmethod
    def of(cls, configuration: Configuration) -> Configurations:
        """One configuration as arrays of length 1."""
        return cls(**{field.name: np.array([getattr(configuration, field.name)]) for field in fields(cls)})

    def where(self, chosen: NDArray[np.bool_]) -> Configurations:
        """Those that are chosen, in their order."""
        return Configurations(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})
