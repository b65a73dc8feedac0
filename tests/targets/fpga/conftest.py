"""Samples that come with the package, read once."""

from pathlib import Path

import pytest

import targets.fpga
from targets.fpga.area_fit import Sample, read_samples

FOLDER = Path(targets.fpga.__file__).parent


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    return read_samples(FOLDER / "synthesis_samples.csv")


@pytest.fixture(scope="session")
def routed() -> list[Sample]:
    return read_samples(FOLDER / "routed_samples.csv")
