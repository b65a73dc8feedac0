"""Learned encodings: networks trained on graphs without measurements. torch is imported at the first use."""

from arch_encodings.learned.encoder import Arch2vec, Cate, Learned
from arch_encodings.learned.vocabulary import MASK, PAD, Vocabulary

__all__ = ["MASK", "PAD", "Arch2vec", "Cate", "Learned", "Vocabulary"]
