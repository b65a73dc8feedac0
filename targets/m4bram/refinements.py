"""What the authors' simulators get wrong, each fault as a switch that removes it."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Refinements:
    """Faults of the published model that are removed; none of them in mode `published`, all in mode `refined`.

    Networks that are folded differently for the baseline and the accelerator are no fault of the model here: a workload
    is folded once, for all of them.

    Attributes:
        exact_cycles: whole cycles; the original divides twice in floating point and then rounds up, one too many.
        dense_padding: dense layers fill the unrolled loops like any other; the original assumes a large batch and
            full use, and divides the batch out.
        memory_bandwidth: weights, and activations that do not fit on chip, take time to cross the memory's port.
        bram_clock: the block RAMs limit the clock, double-pumped ones to half of theirs.
        stream_stride: a strided layer reads wider windows in every design; the original forgets it for DLA.
        stream_words: a word of the stream buffer holds as many activations as fit; the original knows 4 and 8 bits.
        duplicated_filters: block RAMs that hold duplicated weights compute too.
        column_split: every layer splits its columns between DSPs and block RAMs as its own times ask; the original
            splits all layers in the proportion of the unroll factors.
        same_objective: baseline and accelerator are both chosen for speed.
        other_operations: pooling and additions cost what they take.
    """

    exact_cycles: bool = False
    dense_padding: bool = False
    memory_bandwidth: bool = False
    bram_clock: bool = False
    stream_stride: bool = False
    stream_words: bool = False
    duplicated_filters: bool = False
    column_split: bool = False
    same_objective: bool = False
    other_operations: bool = False


PUBLISHED = Refinements()
REFINED = Refinements(**{field.name: True for field in fields(Refinements)})
