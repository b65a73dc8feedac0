"""Bodies of GET /spaces."""

from pydantic import BaseModel, Field


class SpaceInfo(BaseModel):
    """One search space."""

    name: str
    size: float = Field(description="number of architectures")
    positions: int = Field(description="decisions that make an architecture")
    choices: list[list[str]] = Field(description="names of the choices at each position")
    is_enumerable: bool = Field(description="whether a search can score every architecture")
    accepts_index: bool = Field(description="whether the benchmark's order of architectures is known")
    accuracy_datasets: list[str] = Field(description="data sets with imported accuracies")


class SpaceList(BaseModel):
    """Every search space."""

    spaces: list[SpaceInfo]
