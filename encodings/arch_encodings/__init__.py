"""Architecture to arrays: every encoding behind one contract."""

from typing import Final

from arch_encodings.adjacency import Adjacency
from arch_encodings.base import Encoder
from arch_encodings.cost import Cost, has_path
from arch_encodings.errors import EncodingError, InvalidWeightsError, UnsupportedSpaceError
from arch_encodings.learned import Arch2vec, Cate
from arch_encodings.one_hot import OneHot
from arch_encodings.paths import Paths, TruncatedPaths

ENCODERS: Final[dict[str, Encoder]] = {
    encoder.name: encoder for encoder in (Adjacency(), OneHot(), Paths(), TruncatedPaths(), Cost(), Arch2vec(), Cate())
}

__all__ = [
    "ENCODERS",
    "Adjacency",
    "Arch2vec",
    "Cate",
    "Cost",
    "Encoder",
    "EncodingError",
    "InvalidWeightsError",
    "OneHot",
    "Paths",
    "TruncatedPaths",
    "UnsupportedSpaceError",
    "has_path",
]
