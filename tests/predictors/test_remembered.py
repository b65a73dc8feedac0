import numpy as np

from arch_encodings import ENCODERS
from predictors.remembered import RememberedRows, RememberingEncoder
from spaces import get_space

SPACE = get_space("nb201")
CELLS = SPACE.sample(5, rng=np.random.default_rng(0))


class Counted:
    """Decisions of architectures, and how many were asked for each time."""

    def __init__(self, width=None):
        self.asked, self.width = [], width

    def __call__(self, architectures):
        self.asked.append(len(architectures))
        rows = SPACE.decisions(architectures).astype(float).reshape(-1, 6)
        return rows.sum(axis=1) if self.width is None else rows[:, : self.width]


def test_rows_are_computed_once_and_come_in_the_order_asked_for():
    for compute in (Counted(3), Counted()):
        memory = RememberedRows()
        memory.of(CELLS[:3], compute)
        asked = [CELLS[2], CELLS[4], CELLS[0], CELLS[4]]
        np.testing.assert_array_equal(memory.of(asked, compute), Counted(compute.width)(asked))
        assert compute.asked == [3, 1]


def test_batch_without_room_takes_the_place_of_all_others():
    memory, compute = RememberedRows(most=3), Counted(3)
    memory.of(CELLS[:2], compute)
    memory.of(CELLS[1:4], compute)  # of which one is known, and stays
    assert compute.asked == [2, 2]
    for _ in range(2):
        np.testing.assert_array_equal(memory.of(CELLS[3:0:-1], compute), Counted(3)(CELLS[3:0:-1]))
    assert compute.asked == [2, 2]
    memory.of(CELLS[:1], compute)
    assert compute.asked == [2, 2, 1]


def test_batch_larger_than_the_memory_is_answered_and_kept_in_part():
    memory, compute = RememberedRows(most=3), Counted(3)
    for _ in range(2):
        np.testing.assert_array_equal(memory.of(CELLS, compute), Counted(3)(CELLS))
    assert compute.asked == [5, 2]


def test_rows_that_are_changed_outside_are_remembered_as_they_were():
    memory, compute = RememberedRows(), Counted(3)
    memory.of(CELLS, compute)[:] = -1
    np.testing.assert_array_equal(memory.of(CELLS, compute), Counted(3)(CELLS))


def test_rows_of_nothing_have_their_width():
    assert RememberedRows().of([], Counted(3)).shape == (0, 3)


def test_remembering_encoder_is_the_encoder_and_asks_it_once_for_each_architecture(monkeypatch):
    cost = ENCODERS["cost"]
    remembering = RememberingEncoder(cost)
    assert (remembering.name, remembering.feature_names(SPACE)) == (cost.name, cost.feature_names(SPACE))
    asked, encode = [], type(cost).encode
    monkeypatch.setattr(
        type(cost), "encode", lambda self, space, batch: asked.extend(batch) or encode(self, space, batch)
    )
    for batch in (CELLS[:3], CELLS[1:], []):
        np.testing.assert_array_equal(remembering.encode(SPACE, batch), encode(cost, SPACE, batch))
    assert sorted(asked) == sorted(CELLS)
