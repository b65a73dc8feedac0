"""Shapes of language models, from `models.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from targets.errors import TargetError


class UnknownModelError(TargetError):
    """No language model of that name."""

    def __init__(self, name: str, known: list[str]):
        super().__init__(f"unknown language model {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = known


@dataclass(frozen=True, slots=True)
class LlmShape:
    """A decoder-only transformer.

    Attributes:
        hidden: width of the residual stream.
        ffn: width inside the feed-forward network.
        blocks: how many.
        heads: of queries.
        kv_heads: of keys and values, each shared by heads / kv_heads query heads.
        vocabulary: rows of the output projection.
        names: family whose checkpoints name the layers; `llama` also means three feed-forward matrices, not two.
    """

    hidden: int
    ffn: int
    blocks: int
    heads: int
    kv_heads: int
    vocabulary: int
    names: str

    @property
    def head_size(self) -> int:
        """Elements of one head."""
        return self.hidden // self.heads


def llm_names() -> tuple[str, ...]:
    """Names of the language models, in the order of the file."""
    return tuple(_models())


def llm_shape(name: str) -> LlmShape:
    """The shape of a model. Raises: UnknownModelError."""
    models = _models()
    if name not in models:
        raise UnknownModelError(name, list(models))
    return LlmShape(**models[name])


@cache
def _models() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(files("targets.llm").joinpath("models.yaml").read_text(encoding="utf-8"))
