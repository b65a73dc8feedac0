"""Checks the candidates of the decisions of a search, each in the combinations that it can be part of."""

from __future__ import annotations

import itertools
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

# Combinations that a candidate is tried in; one that none of them accepts may still go with another.
_MOST_TRIES: Final = 64


def named(options: Mapping[Place, Sequence[Any]], configuration: Configuration) -> str:
    """The configuration for people: each decision with what is chosen."""
    chosen = zip(options.items(), configuration, strict=True)
    return ", ".join(f"{'.'.join(place)} {values[index]}" for (place, values), index in chosen)


def check_candidates(
    options: Mapping[Place, Sequence[Any]], alone: Sequence[Sequence[str | None]], refusal: Refusal
) -> None:
    """Return if each candidate can be part of some configuration.

    Where candidates cannot, those that are refused alone already are to blame: others may lack nothing but them.

    Args:
        options: candidates of each decision.
        alone: why each is refused as the only change of the device, None where it is not.
        refusal: of a configuration.

    Raises: InvalidRequestError that points at each candidate to blame.
    """
    # Candidates that are fine alone come first, so that a faulty one is not what the others are tried with.
    order = [sorted(range(len(reasons)), key=lambda index: reasons[index] is not None) for reasons in alone]
    faults: list[tuple[bool, FieldError]] = []
    for position, (place, reasons) in enumerate(zip(options, alone, strict=True)):
        for index, reason in enumerate(reasons):
            choices = [*order[:position], [index], *order[position + 1 :]]
            refused = _refused_everywhere(options, choices, refusal)
            if refused is not None:
                faults.append((reason is not None, FieldError(reason or refused, json_pointer([*place, index]))))
    if faults:
        any_alone = any(is_alone for is_alone, _ in faults)
        raise InvalidRequestError([fault for is_alone, fault in faults if is_alone == any_alone])


def _refused_everywhere(
    options: Mapping[Place, Sequence[Any]], choices: Sequence[Sequence[int]], refusal: Refusal
) -> str | None:
    """Why the first configuration is refused, where each that is tried is."""
    first: str | None = None
    for tried, configuration in enumerate(itertools.product(*choices)):
        reason = refusal(configuration)
        if reason is None or tried == _MOST_TRIES:
            return None
        first = first or f"with {named(options, configuration)}: {reason}"
    return first
