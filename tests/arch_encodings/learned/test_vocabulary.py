import pytest

from arch_encodings.learned.vocabulary import MASK, PAD, Vocabulary
from spaces import SPACES, Nb201, get_space


class _Space(Nb201):
    def __init__(self, name: str, ops: tuple[str, ...]):
        super().__init__()
        self._name, self._ops = name, ops

    @property
    def name(self) -> str:
        return self._name

    @property
    def op_names(self) -> tuple[str, ...]:
        return self._ops


def test_vocabulary_of_all_spaces_gives_every_operation_an_id_of_its_own():
    vocabulary = Vocabulary.of(SPACES.values())
    ids = [number for space in SPACES.values() for number in vocabulary.of_space(space).tolist()]
    assert len(ids) == sum(len(space.op_names) for space in SPACES.values())
    assert len(set(ids)) == len(ids)
    assert not {PAD, MASK} & set(ids)
    assert vocabulary.size == max(ids) + 1


def test_vocabulary_ids_outlive_a_new_space_and_a_new_order_of_operations():
    vocabulary = Vocabulary.of([_Space("a", ("x", "y")), _Space("b", ("x",))])
    assert vocabulary.of_space(_Space("a", ("y", "x"))).tolist() == [3, 2]
    assert vocabulary.of_space(_Space("b", ("x",))).tolist() == [4]
    assert not vocabulary.covers(_Space("c", ("x",)))
    assert not vocabulary.covers(_Space("a", ("x", "y", "z")))
    assert vocabulary.covers(_Space("a", ("x",)))


@pytest.mark.parametrize("ids", [{"a": {"x": 2}, "b": {"y": 2}}, {"a": {"x": PAD}}, {"a": {"x": MASK}}])
def test_vocabulary_with_ids_that_clash_is_refused(ids):
    with pytest.raises(ValueError, match="must differ"):
        Vocabulary(ids)


def test_vocabulary_of_one_space_covers_it_alone():
    vocabulary = Vocabulary.of([get_space("nb201")])
    assert [space.name for space in SPACES.values() if vocabulary.covers(space)] == ["nb201"]
