"""How likely a first attempt is to fail: a base rate moved by what is known of the customer, the door, the hour, the
client and the kind of job, each held back by how little is known of it.

logit(p) = logit(base) + sum over what is known of weight x (logit(held) - logit(all)),
with held = (failed + hold x all) / (tried + hold), and all the depot's own rate: a client of all its attempts moves
nothing

That is a beta-binomial estimate of each rate (the base counts as `hold` imagined attempts), put together as odds. It is
simple enough that each part is a sentence. `hold` and `weight` are fitted and judged by `python -m evals.risk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import NamedTuple

from optimizer.problem import Frozen

BASE_RATE = 0.08
"""of the industry's first attempts fail; counts as `BASE_COUNTS` attempts of one's own"""
BASE_COUNTS = 200
OWN_COUNTS = 10
"""the same in the depot's own rate, which the parts are measured against"""
HOLD: Mapping[str, float] = {"person": 8, "door": 12, "hour": 300, "client": 100, "kind": 100}
"""attempts at the base rate that each is held back by"""
WEIGHT: Mapping[str, float] = {"person": 0.55, "door": 0.55, "hour": 1.0, "client": 1.0, "kind": 1.0}
"""customer and door count half: what is known of both is mostly the same attempts"""
SAYS: Mapping[str, str] = {
    "person": "this customer", "door": "this door", "hour": "this time of day", "client": "this client",
    "kind": "this kind of job",
}  # fmt: skip
MATTERS = 0.1
"""a part that moves the odds by less than a tenth is no reason"""


class Count(NamedTuple):
    """First attempts, and how many of them failed."""

    tried: int
    failed: int


class Risk(Frozen):
    percent: int
    """that the first attempt fails, rounded"""
    reasons: tuple[str, ...]
    """what moves it away from the base rate, the strongest first"""


def base(everybody: Count) -> float:
    """The rate of all, held to the industry's while little is known."""
    return _rate(everybody, BASE_COUNTS)


def _rate(everybody: Count, counts: int) -> float:
    return (everybody.failed + counts * BASE_RATE) / (everybody.tried + counts)


def probability(everybody: Count, known: Mapping[str, Count]) -> float:
    return _expit(_logit(base(everybody)) + sum(_parts(everybody, known).values()))


def assess(everybody: Count, known: Mapping[str, Count]) -> Risk:
    """The figure and its reasons. `known`: what of `SAYS` is known -> its attempts."""
    parts = _parts(everybody, known)
    ranked = sorted((name for name in parts if abs(parts[name]) > MATTERS), key=lambda name: (-abs(parts[name]), name))
    reasons = [f"{known[n].failed} of {known[n].tried} first attempts failed for {SAYS[n]}" for n in ranked]
    usual = f"{round(100 * base(everybody))} % of first attempts fail"
    return Risk(percent=round(100 * probability(everybody, known)), reasons=(*reasons, usual))


def _parts(everybody: Count, known: Mapping[str, Count]) -> dict[str, float]:
    """How far each thing moves the log odds."""
    usual = _rate(everybody, OWN_COUNTS)
    return {name: WEIGHT[name] * (_logit(_held(name, known[name], usual)) - _logit(usual)) for name in sorted(known)}


def _held(name: str, count: Count, usual: float) -> float:
    return (count.failed + HOLD[name] * usual) / (count.tried + HOLD[name])


def _logit(p: float) -> float:
    return log(p / (1 - p))


def _expit(x: float) -> float:
    return 1 / (1 + exp(-x))
