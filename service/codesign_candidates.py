"""Checks the candidates of the decisions of a search, each in the combinations that it can be part of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from service.errors import FieldError, InvalidRequestError
from service.problems import json_pointer

# Index of the chosen candidate of each decision.
Configuration = tuple[int, ...]
# Of a decision in the request: member and key, or precision, groups, the group's name and key.
Place = tuple[str, ...]
# Why a configuration cannot be used, None where it can.
Refusal = Callable[[Configuration], str | None]

# Combinations that a candidate is tried in, and that all candidates together may be refused in.
_MOST_TRIES: Final = 64
_MOST_REFUSALS: Final = 512


def named(options: Mapping[Place, Sequence[Any]], configuration: Configuration) -> str:
    """The configuration for people: each decision with what is chosen."""
    chosen = zip(options.items(), configuration, strict=True)
    return ", ".join(f"{'.'.join(place)} {values[index]}" for (place, values), index in chosen)


def check_candidates(
    options: Mapping[Place, Sequence[Any]], alone: Sequence[Sequence[str | None]], refusal: Refusal
) -> None:
    """Return if each candidate can be part of some configuration, as far as a bounded number of them can tell.

    Where candidates cannot, those that are refused alone already are to blame: others may lack nothing but them. A
    candidate with more combinations than are tried is tried with every other one, or with some from all along their
    lists; it is to blame if it is refused alone and in each of them.

    Args:
        options: candidates of each decision.
        alone: why each is refused as the only change of the device, None where it is not.
        refusal: of a configuration.

    Raises: InvalidRequestError that points at each candidate to blame.
    """
    left = _MOST_REFUSALS
    for is_alone in (True, False):
        faults: list[FieldError] = []
        for (position, index), (place, reason) in _candidates(options, alone).items():
            if (reason is not None) != is_alone:
                continue
            tries, is_all = _tries(alone, position, index)
            if not is_all and not is_alone:  # it may go with what was not tried
                continue
            refused = _refused_everywhere(options, tries[:left], refusal)
            if refused is None:
                continue
            left -= len(tries)
            if left < 0:  # not all of its tries were left
                break
            faults.append(FieldError(reason or refused, json_pointer([*place, index])))
        if faults:
            raise InvalidRequestError(faults)


def _candidates(
    options: Mapping[Place, Sequence[Any]], alone: Sequence[Sequence[str | None]]
) -> dict[tuple[int, int], tuple[Place, str | None]]:
    """By position and index: where each candidate is decided about, and why it is refused alone."""
    places = enumerate(zip(options, alone, strict=True))
    return {
        (position, index): (place, reason)
        for position, (place, reasons) in places
        for index, reason in enumerate(reasons)
    }


def _tries(alone: Sequence[Sequence[str | None]], position: int, index: int) -> tuple[list[Configuration], bool]:
    """Combinations to try a candidate in, and whether they are all."""
    # Candidates that are fine alone come first, so that a faulty one is not what the others are tried with.
    choices = [sorted(range(len(reasons)), key=lambda index: reasons[index] is not None) for reasons in alone]
    choices[position] = [index]
    if math.prod(map(len, choices)) <= _MOST_TRIES:
        return list(itertools.product(*choices)), True
    return _spread(choices), False


def _spread(choices: Sequence[Sequence[int]]) -> list[Configuration]:
    """Some combinations: every choice of each decision, or of a long list some from its first to its last."""
    longest = min(_MOST_TRIES, max(map(len, choices)))

    def at(values: Sequence[int], step: int) -> int:
        if len(values) <= longest:
            return values[step % len(values)]
        return values[step * (len(values) - 1) // (longest - 1)]

    return [tuple(at(values, step) for values in choices) for step in range(longest)]


def _refused_everywhere(
    options: Mapping[Place, Sequence[Any]], tries: Sequence[Configuration], refusal: Refusal
) -> str | None:
    """Why the first configuration is refused, where each of them is."""
    first: str | None = None
    for configuration in tries:
        reason = refusal(configuration)
        if reason is None:
            return None
        first = first or f"with {named(options, configuration)}: {reason}"
    return first
