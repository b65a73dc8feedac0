"""Architecture to arrays: every encoding behind one contract."""

from typing import Final

from arch_encodings.adjacency import Adjacency
from arch_encodings.base import Encoder
from arch_encodings.combination import Combination
from arch_encodings.cost import Cost, has_path, live_macs
from arch_encodings.errors import EncodingError, InvalidWeightsError, UnsupportedSpaceError
from arch_encodings.learned import Arch2vec, Cate
from arch_encodings.normalization import Normalizer, fit_normalizer
from arch_encodings.one_hot import OneHot
from arch_encodings.paths import Paths, TruncatedPaths
from arch_encodings.zcp import ProxySource, Zcp

# Combinations of encodings, in the order of their columns. CAZ, CATE with arch2vec and ZCP, has FLAN's order.
COMBINATIONS: Final[dict[str, tuple[str, ...]]] = {"caz": ("arch2vec", "cate", "zcp")}

_QUICK: Final[tuple[Encoder, ...]] = (
    Adjacency(),
    OneHot(),
    Paths(),
    TruncatedPaths(),
    Cost(),
    Arch2vec(),
    Cate(),
)


def encoders_with(zcp: Encoder) -> dict[str, Encoder]:
    """Every encoding by its name, of which the zero-cost one, also in combinations, is `zcp`."""
    singles: dict[str, Encoder] = {encoder.name: encoder for encoder in (*_QUICK, zcp)}
    combined = {name: Combination(name, [singles[part] for part in parts]) for name, parts in COMBINATIONS.items()}
    return singles | combined


ENCODERS: Final[dict[str, Encoder]] = encoders_with(Zcp())

__all__ = [
    "COMBINATIONS",
    "ENCODERS",
    "Adjacency",
    "Arch2vec",
    "Cate",
    "Combination",
    "Cost",
    "Encoder",
    "EncodingError",
    "InvalidWeightsError",
    "Normalizer",
    "OneHot",
    "Paths",
    "ProxySource",
    "TruncatedPaths",
    "UnsupportedSpaceError",
    "Zcp",
    "encoders_with",
    "fit_normalizer",
    "has_path",
    "live_macs",
]
