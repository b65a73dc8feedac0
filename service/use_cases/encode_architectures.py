"""Encode architectures, and tell which encodings there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from arch_encodings import ENCODERS, Encoder, UnsupportedSpaceError
from service.errors import FieldError, InvalidRequestError
from service.lookup import body_space, parse_architectures
from service.schemas.encodings import (
    EncodedArchitectures,
    EncodingAnswer,
    EncodingInfo,
    EncodingList,
    EncodingRequest,
)
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray, is_open

_MAX_VALUES: Final = 4_000_000  # about 80 MB of JSON


def encode_architectures(
    spaces: Mapping[str, SearchSpace], encoders: Mapping[str, Encoder], request: EncodingRequest
) -> EncodingAnswer:
    """Every encoding asked for, by `encoders`, which know all of `ENCODERS`.

    Raises: InvalidRequestError that points at each fault; ProxiesNotComputedError, ProxiesNotPublishedError.
    """
    space = body_space(spaces, request.space)
    pointers = [f"/architectures/{index}" for index in range(len(request.architectures))]
    architectures = parse_architectures(space, request.architectures, pointers)
    features = feature_names(space, request.encodings)
    asked = len(architectures) * sum(map(len, features.values()))
    if asked > _MAX_VALUES:
        reason = f"{asked:,} numbers are above the {_MAX_VALUES:,} of one answer: ask for fewer architectures at a time"
        raise InvalidRequestError([FieldError(reason, pointer="/architectures")])
    encoded = encode(encoders, space, architectures, request.encodings)
    return EncodingAnswer(
        space=space.name,
        architectures=[architecture.key for architecture in architectures],
        encodings={
            name: EncodedArchitectures(features=list(features[name]), values=values.tolist())
            for name, values in encoded.items()
        },
    )


def feature_names(space: SearchSpace, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names of the columns of each encoding. Raises: InvalidRequestError for unknown and unsupported encodings."""
    features: dict[str, tuple[str, ...]] = {}
    faults: list[FieldError] = []
    if is_open(space):
        reason = f"the networks of {space.name} have no vectors of a common length; its layers are at GET /models"
        raise InvalidRequestError([FieldError(reason, pointer="/space")])
    for index, name in enumerate(names):
        pointer = f"/encodings/{index}"
        if name not in ENCODERS:
            faults.append(FieldError(f"unknown encoding {name!r}; known: {', '.join(ENCODERS)}", pointer=pointer))
            continue
        try:
            features[name] = ENCODERS[name].feature_names(space)
        except UnsupportedSpaceError as error:
            faults.append(FieldError(str(error), pointer=pointer))
    if faults:
        raise InvalidRequestError(faults)
    return features


def encode(
    encoders: Mapping[str, Encoder], space: SearchSpace, architectures: Sequence[Architecture], names: Sequence[str]
) -> dict[str, FloatArray]:
    """(n, d) of each encoding, by its name; the names are known."""
    return {name: encoders[name].encode(space, architectures) for name in names}


def list_encodings(spaces: Mapping[str, SearchSpace]) -> EncodingList:
    """Every encoding with its dimension on each space that it covers."""
    return EncodingList(
        encodings=[
            EncodingInfo(name=name, description=_first_line(encoder), dimensions=_dimensions(name, spaces))
            for name, encoder in ENCODERS.items()
        ]
    )


def _first_line(encoder: object) -> str:
    return (encoder.__doc__ or "").strip().split("\n", 1)[0]


def _dimensions(name: str, spaces: Mapping[str, SearchSpace]) -> dict[str, int]:
    dimensions = {}
    for space in spaces.values():
        if is_open(space):
            continue
        try:
            dimensions[space.name] = len(ENCODERS[name].feature_names(space))
        except UnsupportedSpaceError:
            continue
    return dimensions
