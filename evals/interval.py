"""Confidence intervals of shares: Wilson's score interval (Wilson 1927, J. Am. Stat. Assoc. 22), which holds for few
trials and for shares near 0 and 1, where the normal approximation does not."""

from __future__ import annotations

from math import sqrt

Z_95 = 1.959964


def wilson(hits: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Lower and upper bound of a share, 95 % unless told; of no trials nothing is known: 0 to 1. Raises ValueError
    when there are more hits than trials."""
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no share")
    if trials == 0:
        return 0.0, 1.0
    share, scale = hits / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)
