"""The search's own random numbers: one 64-bit word of state, the same on every machine (Marsaglia, "Xorshift RNGs",
2003; multiplied as in Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016)."""

from __future__ import annotations

import numpy as np

from optimizer.native.compiled import inlined
from optimizer.native.layout import U64, wide

STEP = 0x9E3779B97F4A7C15


@inlined
def draw(rng: U64) -> int:
    """31 random bits."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return wide((x * np.uint64(2685821657736338717)) >> np.uint64(33))


@inlined
def below(rng: U64, count: int) -> int:
    """A number from 0 to count - 1."""
    return (draw(rng) * wide(count)) >> wide(31)


def seeded(seed: int) -> int:
    """A first word for this seed: neighbouring seeds lie far apart (one step of SplitMix64)."""
    word = (seed + 1) * STEP & (2**64 - 1)
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & (2**64 - 1)
    return (word ^ (word >> 31)) or 1
