"""What the errors say of hostile notations."""

import pytest

from spaces import InvalidArchitectureError, UnknownSpaceError, get_space


def test_message_of_an_endless_notation_stays_short() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    for notation in ("x" * 10**7, [0] * 10**6, nested, 10**6000, [10**6000]):
        assert len(str(InvalidArchitectureError("nb201", notation, "no"))) < 400


def test_message_of_a_short_notation_shows_it() -> None:
    assert str(InvalidArchitectureError("nb201", [1, 2], "too few")) == "[1, 2] is no architecture of nb201: too few"


@pytest.mark.parametrize("name", ["nope", "", None, [], "NB201"])
def test_unknown_space_is_refused_with_the_known_ones(name) -> None:
    with pytest.raises(UnknownSpaceError, match="fbnet"):
        get_space(name)
