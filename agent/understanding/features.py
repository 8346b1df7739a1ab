"""A message as numbers: hashed word and character n-grams, so that a typo changes a few of them and not all.

Word features carry the order of words; character features carry what is left of a misspelt word. Both blocks have
length one, unseen features included: what consists of unknown words is small in every direction, which is what the
open-set score needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BITS = 17
SIZE = 1 << BITS
RAREST = 3
"""examples that must have a feature for it to count"""
CHAR_SHARE = 0.8
"""length of the character block beside the word block's 1"""


def hashed(words: Sequence[str]) -> tuple[Counter[int], Counter[int]]:
    """Counts of hashed word n-grams and of hashed character n-grams."""
    return Counter(map(_hash, _word_grams(words))), Counter(map(_hash, _char_grams(words)))


def _hash(gram: str) -> int:
    return crc32(gram.encode()) & (SIZE - 1)


def _word_grams(words: Sequence[str]) -> Iterator[str]:
    padded = ["^", *words, "$"]
    yield from words
    for a, b in pairwise(padded):
        yield f"{a} {b}"
    for a, b, c in zip(padded, padded[1:], padded[2:], strict=False):
        yield f"{a} {b} {c}"
        yield f"{a} _ {c}"


def _char_grams(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word[0] == "<" or not word[0].isalpha():
            continue
        padded = f"~{word}~"
        for size in (3, 4, 5):
            for at in range(len(padded) - size + 1):
                yield "c" + padded[at : at + size]


def vector(words: Sequence[str], idf: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Ids and weights of the features of a message: sublinear counts times inverse document frequency.

    `idf` of a feature that no example has is negative: its size counts in the length, but it is left out.
    """
    ids: list[NDArray[np.int32]] = []
    weights: list[NDArray[np.float32]] = []
    for counts, share in zip(hashed(words), (1.0, CHAR_SHARE), strict=True):
        at = np.fromiter(sorted(counts), np.int32, len(counts))
        tf = 1 + np.log(np.fromiter((counts[int(i)] for i in at), np.float32, len(counts)))
        weight = tf * np.abs(idf[at])
        length = float(np.sqrt((weight**2).sum())) or 1.0
        known = idf[at] > 0
        ids.append(at[known])
        weights.append((weight[known] * (share / length)).astype(np.float32))
    return np.concatenate(ids), np.concatenate(weights)


def inverse_frequencies(documents: Sequence[Sequence[str]], unseen: float = 0.8) -> NDArray[np.float32]:
    """ln((1 + n) / (1 + df)) + 1 of each feature (Salton); of unseen ones minus `unseen` times the largest."""
    seen = np.zeros(SIZE, np.int64)
    for words in documents:
        for counts in hashed(words):
            seen[list(counts)] += 1
    idf = np.log((1 + len(documents)) / (1 + seen)) + 1
    idf[seen < RAREST] = -unseen * float(np.log((1 + len(documents)) / 2) + 1)
    return idf.astype(np.float32)
