"""Names of layer groups, and what `body` stands for beside others."""

import pytest

from spaces import SPACES, UnknownLayerGroupError
from spaces.layer_groups import covered_groups, layers_of

NB201 = SPACES["nb201"]


def test_covered_groups_body_is_what_is_neither_an_end_nor_named():
    covered = covered_groups(NB201, ["head", "stage1", "body"])
    assert covered == {
        name: frozenset(parts)
        for name, parts in {"head": ["head"], "stage1": ["stage1"], "body": ["stage0", "stage2"]}.items()
    }


@pytest.mark.parametrize("names", [["tail"], ["body", "stage0", "stage1", "stage2"]])
def test_covered_groups_unknown_and_empty_ones_are_refused(names: list[str]):
    with pytest.raises(UnknownLayerGroupError) as refused:
        covered_groups(NB201, names)
    assert (refused.value.space, refused.value.name) == ("nb201", names[0])


def test_layers_of_keeps_the_order():
    architecture = NB201.parse([1, 2, 3, 0, 4, 2])
    layers = NB201.workload(architecture).layers
    assert layers_of(layers, {"stem", "head"}) == (*layers[:2], *layers[-4:])
