"""Randomness by key: the same words give the same number, whoever asks, however often and in whatever order.

A stream of random numbers would make a van's morning depend on how often another van was asked; keys don't.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def unit(*key: object) -> float:
    """Uniform in [0, 1)."""
    words = "|".join(str(part) for part in key)
    drawn = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big")
    return (drawn >> 11) / float(1 << 53)


def between(lo: int, hi: int, *key: object) -> int:
    """A whole number, both ends included."""
    return lo + int(unit(*key) * (hi - lo + 1))


def happens(probability: float, *key: object) -> bool:
    return unit(*key) < probability


def pick(choices: Sequence[T], *key: object) -> T:
    return choices[int(unit(*key) * len(choices))]


def some(count: int, names: Collection[str], *key: object) -> frozenset[str]:
    """So many of these names, those with the lowest draw: of a larger count these are a part."""
    return frozenset(sorted(names, key=lambda name: (unit(*key, name), name))[:count])


def by_share(shares: Mapping[str, float], *key: object) -> str:
    """One of the names, each as likely as its share of the sum."""
    left = unit(*key) * sum(shares.values())
    for name, share in shares.items():
        left -= share
        if left < 0:
            return name
    return name


def normal(*key: object) -> float:
    """Standard normal, by Box and Muller."""
    radius = math.sqrt(-2.0 * math.log(1.0 - unit("radius", *key)))
    return radius * math.cos(2.0 * math.pi * unit("angle", *key))


def noise(sigma: float, *key: object) -> float:
    """Log-normal factor with mean 1."""
    return math.exp(sigma * normal(*key) - sigma * sigma / 2.0)


def stream(*key: object) -> random.Random:
    """A generator of its own, for drawing a whole scene in one place."""
    return random.Random("|".join(str(part) for part in key))
