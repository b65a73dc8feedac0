"""When the layers of a network that stands side by side on a part begin and end.

A layer starts when those that it reads have made the rows of its first window (all of them where it is fully unrolled),
and ends no earlier than any of them does: branches run at the same time, and a layer that joins them waits for the
last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

from spaces.wiring import Reads


class Step(NamedTuple):
    """What a layer needs.

    Attributes:
        awaited_share: part of its input that it needs before it starts.
        cycles: from its first input to its last one.
        depth: further ones until its last result is there.
    """

    awaited_share: float
    cycles: float
    depth: float


class Times(NamedTuple):
    """Of each layer, in cycles from the network's first input.

    Attributes:
        ends: when its last result is there; 0 for layers that take no time.
        waits_for: the last of those that it reads to end, none where that is the network's input.
    """

    ends: list[float]
    waits_for: list[int | None]

    def path(self) -> list[tuple[int, float]]:
        """The layers from the last to end back to the first, each with the cycles that it adds to the one before."""
        found = []
        ends = self.ends
        number = max(range(len(ends)), key=ends.__getitem__) if ends else None
        while number is not None:
            before = self.waits_for[number]
            found.append((number, ends[number] - (0.0 if before is None else ends[before])))
            number = before
        return found


def schedule(steps: Sequence[Step | None], reads: Reads) -> Times:
    """When each layer ends.

    Args:
        steps: of each layer; none where a layer takes no time and hands on what it reads.
        reads: see `Workload.reads`.
    """
    count = len(steps)
    starts, ends = [0.0] * count, [0.0] * count
    waits_for: list[int | None] = [None] * count
    writers: list[tuple[int, ...]] = []  # that take time, behind each layer's output
    for number, (step, read) in enumerate(zip(steps, reads or repeat((1,)), strict=False)):
        if len(read) == 1:
            before = writers[number - read[0]] if read[0] <= number else ()
        else:
            before = tuple({each for back in read for each in writers[number - back]})
        if step is None:
            writers.append(before)
            continue
        share, cycles, depth = step
        start = end = 0.0
        for writer in before:
            _, rows, delay = steps[writer]  # pyright: ignore[reportGeneralTypeIssues]  (it takes time)
            begins = starts[writer] + share * rows + delay
            if begins > start:
                start = begins
            if ends[writer] > end:
                end = ends[writer]
                waits_for[number] = writer
        starts[number] = start
        ends[number] = (start + cycles if start + cycles > end else end) + depth
        writers.append((number,))
    return Times(ends, waits_for)
