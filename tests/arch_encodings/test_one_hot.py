import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch_encodings import ENCODERS
from spaces import SPACES

ONE_HOT = ENCODERS["one_hot"]


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@given(seed=st.integers(0, 2**32 - 1))
def test_one_hot_names_the_decisions(space, seed):
    (architecture,) = space.sample(1, rng=np.random.default_rng(seed))
    names = ONE_HOT.feature_names(space)
    made = [names[column] for column in np.flatnonzero(ONE_HOT.encode(space, [architecture])[0])]
    decisions = space.decisions([architecture])[0]
    expected = [f"{position}:{space.choices[position][choice]}" for position, choice in enumerate(decisions)]
    assert made == expected
