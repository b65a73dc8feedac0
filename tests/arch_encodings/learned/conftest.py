"""Training small enough for tests."""

import pytest

from arch_encodings.learned.training import TrainingSettings


@pytest.fixture(scope="session")
def tiny() -> TrainingSettings:
    return TrainingSettings(seed=3, epochs=3, batch=16, graphs=120)
