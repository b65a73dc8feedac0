"""When layers that stand side by side end: in chains as published, in branches at the same time."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.fpga.schedule import Step, schedule

numbers = st.integers(0, 1000)
steps = st.builds(Step, st.floats(0, 1), numbers, numbers)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Step | None], tuple[tuple[int, ...], ...]]:
    found = draw(st.lists(st.none() | steps, min_size=1, max_size=12))
    reads = [draw(st.sets(st.integers(1, number), min_size=1)) if number else set() for number in range(len(found))]
    return found, tuple(tuple(sorted(read)) for read in reads)


def _plain_end(found: list[Step | None], reads: tuple[tuple[int, ...], ...], number: int) -> tuple[float, float, float]:
    """Start, what the next one waits for whole, and end, over every path, one by one."""
    sources = [_plain_end(found, reads, number - back) for back in reads[number]]
    step = found[number]
    assert step is not None
    start = max((begin + step.awaited_share * (whole - begin) for begin, whole, _ in sources), default=0.0)
    return start, start + step.cycles, max(start + step.cycles, *[end for *_, end in sources], 0.0) + step.depth


def test_layer_starts_with_its_first_window_and_ends_after_those_before():
    times = schedule([Step(0.5, 100, 4), Step(0.25, 10, 2), Step(1.0, 50, 1)], ())
    # The second starts at 25 + 4, and cannot end before the first does; the third waits for all of the second.
    assert times.ends == [104, 106, max(29 + 10 + 2 + 50, 106) + 1]
    assert times.path() == [(2, 1), (1, 2), (0, 104)]


def test_branches_run_at_the_same_time():
    fork = [Step(1, 10, 0), Step(1, 100, 0), Step(1, 30, 0), Step(1, 5, 0)]
    times = schedule(fork, ((), (1,), (2,), (1, 2)))
    assert times.ends == [10, 110, 40, 115]
    assert [number for number, _ in times.path()] == [3, 1, 0]
    assert schedule(fork, ()).ends[-1] == 145


def test_layers_that_take_no_time_hand_on_all_that_they_read():
    times = schedule([Step(1, 10, 0), Step(1, 100, 0), None, Step(1, 1, 0)], ((), (), (1, 2), (1,)))
    assert times.ends[-1] == 101
    assert times.path() == [(3, 1), (1, 100)]


@given(networks())
def test_path_adds_up_to_the_last_end_and_no_branch_makes_it_later_than_a_chain(
    network: tuple[list[Step | None], tuple[tuple[int, ...], ...]],
):
    found, reads = network
    times = schedule(found, reads)
    path = times.path()
    assert sum(added for _, added in path) == pytest.approx(max(times.ends))
    assert all(added >= 0 for _, added in path)
    assert [number for number, _ in path] == sorted({number for number, _ in path}, reverse=True)


@given(st.lists(st.builds(Step, st.just(1.0), numbers, st.just(0)), min_size=1, max_size=12))
def test_chain_of_layers_that_wait_for_everything_takes_the_sum(chain: list[Step]):
    assert schedule(chain, ()).ends == list(accumulate(step.cycles for step in chain))


@given(st.data())
def test_ends_are_those_of_every_path_followed_by_hand(data: st.DataObject):
    found = data.draw(st.lists(st.builds(Step, st.floats(0, 1), numbers, st.just(0)), min_size=1, max_size=8))
    reads = tuple(
        tuple(sorted(data.draw(st.sets(st.integers(1, number), min_size=1)))) if number else ()
        for number in range(len(found))
    )
    plain = [_plain_end(list(found), reads, number)[2] for number in range(len(found))]
    assert schedule(found, reads).ends == pytest.approx(plain)
