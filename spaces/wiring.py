"""Which layer of a network reads which, noted while its layers are listed in execution order; see `Workload.reads`."""

from __future__ import annotations

from collections.abc import Sequence

# Numbers of the layers whose outputs make up a value; none for the network's own input.
Writers = tuple[int, ...]
Reads = tuple[tuple[int, ...], ...]


class Wiring:
    """Collects what each layer reads.

    Numbers may be negative: a piece of a network that is wired alone calls the layer before it -1.
    """

    def __init__(self) -> None:
        self._reads: list[tuple[int, ...]] = []

    @property
    def reads(self) -> Reads:
        """For each layer how many places before it the layers stand whose outputs it reads."""
        return tuple(self._reads)

    def chain(self, count: int, *sources: Writers) -> Writers:
        """The next `count` layers one after the other; returns what the last one writes.

        Args: sources: what the first one reads; it is what is returned where there is no layer.
        """
        read = tuple(sorted({writer for each in sources for writer in each}))
        if count == 0:
            return read
        first = len(self._reads)
        self._reads.append(tuple(first - writer for writer in read))
        self._reads += [(1,)] * (count - 1)
        return (len(self._reads) - 1,)

    def factorized_reduce(self, source: Writers) -> Writers:
        """ReLU; a convolution of it; a cut of it and a convolution of that; both concatenated; norm."""
        relu = self.chain(1, source)
        even, odd = self.chain(1, relu), self.chain(2, relu)
        return self.chain(2, even, odd)


def in_chain(count: int, *, is_first: bool = False) -> Reads:
    """Of layers one after the other.

    Args: is_first: whether the first one reads the network's input, and not what stands before it.
    """
    return ((() if is_first else (1,)), *(((1,),) * (count - 1))) if count else ()


def from_inputs(inputs: Sequence[Sequence[int]]) -> Reads:
    """Of layers that say the numbers of those they read."""
    return tuple(tuple(sorted(number - each for each in read)) for number, read in enumerate(inputs))


def of_chosen(reads: Reads, is_chosen: Sequence[bool]) -> Reads:
    """What some of the layers read where the others are taken out: for such a layer, whatever it reads itself."""
    writers: list[set[int]] = []  # among the chosen, behind each layer's output
    found: list[tuple[int, ...]] = []
    for number, (read, chosen) in enumerate(zip(reads, is_chosen, strict=True)):
        before = {writer for back in read if back <= number for writer in writers[number - back]}
        if chosen:
            writers.append({len(found)})
            found.append(tuple(sorted(len(found) - writer for writer in before)))
        else:
            writers.append(before)
    return tuple(found)
