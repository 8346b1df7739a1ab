"""`python -m evals.risk`: does a failure risk of 20 % fail two times in ten? Fitted on some seeds, judged on others.

Each seed is a town whose customers, doors, hours and clients differ in how often nobody opens: their effects on the
odds are drawn, 8 % fail on average, and nobody is told them. Its attempts are lived day by day; what the model says on
a day rests on the attempts of the days before, as in a running operation. `--fit` looks for the constants of
`optimizer.risk` again (least log loss); without it, what ships is judged: reliability in groups, and log loss and Brier
score beside those of the base rate alone. Exit 1 when a gate is missed.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import NamedTuple

from optimizer import risk
from optimizer.risk import Count

PERSONS, DOORS, CLIENTS, DAYS, A_DAY, BURN_IN = 900, 700, 6, 90, 120, 20
SPREAD = {"person": 0.9, "door": 0.7, "hour": 0.35, "client": 0.3, "kind": 0.2}
"""standard deviation of each one's effect on the log odds"""
LEARN, TEST = range(1, 7), range(101, 111)
BINS = (0, 4, 6, 8, 10, 14, 20, 30, 101)
"""percent: where the groups of the table begin"""
HOLDS = {"person": (5.0, 8.0, 12.0, 20.0, 40.0), "door": (5.0, 10.0, 20.0, 40.0)} | dict.fromkeys(
    ("hour", "client", "kind"), (100.0, 200.0, 300.0, 500.0)
)
"""what is tried. Hours, clients and kinds hold all attempts of a depot between them: held by less than a hundred, the
first few would move everybody"""
SHARES = (0.4, 0.55, 0.7, 0.85, 1.0)
FEWEST = 300
OFF = 0.03
"""how far the share that failed may lie from what was said, in groups of `FEWEST` at least"""


class Said(NamedTuple):
    """One attempt: what was known before it, and how it ended."""

    everybody: Count
    known: Mapping[str, Count]
    failed: bool
    truth: float


def live(seed: int) -> Iterator[Said]:
    """The attempts of a town after `BURN_IN` days, with what the days before had taught."""
    draw = random.Random(seed)
    effects = {
        name: [draw.gauss(0, SPREAD[name]) for _ in range(size)]
        for name, size in (("person", PERSONS), ("door", DOORS), ("hour", 4), ("client", CLIENTS), ("kind", 3))
    }
    homes = [draw.randrange(DOORS) for _ in range(PERSONS)]
    often = [draw.paretovariate(1.2) for _ in range(PERSONS)]
    level = _level(effects, homes)
    tried: Counter[tuple[str, int]] = Counter()
    lost: Counter[tuple[str, int]] = Counter()
    for day in range(DAYS):
        today = []
        for person in draw.choices(range(PERSONS), often, k=A_DAY):
            of = {"person": person, "door": homes[person], "hour": draw.randrange(4), "client": draw.randrange(CLIENTS),
                  "kind": min(draw.randrange(6), 2)}  # fmt: skip
            truth = 1 / (1 + math.exp(-level - sum(effects[name][which] for name, which in of.items())))
            failed = draw.random() < truth
            known = {n: Count(tried[n, w], lost[n, w]) for n, w in of.items() if tried[n, w]}
            if day >= BURN_IN:
                yield Said(Count(tried["all", 0], lost["all", 0]), known, failed, truth)
            today.append((of, failed))
        for of, failed in today:
            for key in (("all", 0), *of.items()):
                tried[key] += 1
                lost[key] += failed


def _level(effects: Mapping[str, Sequence[float]], homes: Sequence[int]) -> float:
    """The intercept with which 8 % fail on average."""
    lo, hi = -8.0, 2.0
    for _ in range(40):
        middle = (lo + hi) / 2
        rates = [1 / (1 + math.exp(-middle - effects["person"][p] - effects["door"][homes[p]])) for p in range(PERSONS)]
        lo, hi = (middle, hi) if sum(rates) / len(rates) < risk.BASE_RATE else (lo, middle)
    return lo


class Judged(NamedTuple):
    loss: float
    base_loss: float
    brier: float
    base_brier: float
    table: list[tuple[int, int, float, float, float]]
    """(from percent, attempts, mean said, share that failed, mean truth)"""

    def gates(self) -> list[str]:
        missed = [
            f"{lo} % and more: said {said:.1%}, failed {failed:.1%}"
            for lo, count, said, failed, _ in self.table
            if count >= FEWEST and abs(said - failed) > OFF
        ]
        return missed + ([] if self.loss < self.base_loss else ["no better than the base rate"])


def judge(seeds: Sequence[int]) -> Judged:
    rows = [said for seed in seeds for said in live(seed)]
    given = [risk.probability(said.everybody, said.known) for said in rows]
    plain = [risk.base(said.everybody) for said in rows]
    table = []
    for lo, hi in pairwise(BINS):
        inside = [(p, said) for p, said in zip(given, rows, strict=True) if lo <= 100 * p < hi]
        if inside:
            n = len(inside)
            failed, truth = sum(s.failed for _, s in inside) / n, sum(s.truth for _, s in inside) / n
            table.append((lo, n, sum(p for p, _ in inside) / n, failed, truth))
    return Judged(_loss(given, rows), _loss(plain, rows), _brier(given, rows), _brier(plain, rows), table)


def _loss(given: Sequence[float], rows: Sequence[Said]) -> float:
    return -sum(math.log(p if said.failed else 1 - p) for p, said in zip(given, rows, strict=True)) / len(rows)


def _brier(given: Sequence[float], rows: Sequence[Said]) -> float:
    return sum((p - said.failed) ** 2 for p, said in zip(given, rows, strict=True)) / len(rows)


def fit(seeds: Sequence[int]) -> None:
    """Print the constants of least log loss, one after the other, twice over."""
    rows = [said for seed in seeds for said in live(seed)]
    hold, weight = dict(risk.HOLD), dict(risk.WEIGHT)
    for _, name in product(range(2), risk.SAYS):
        tried = []
        for strength, share in product(HOLDS[name], SHARES):
            tried.append((_fitted(rows, hold | {name: strength}, weight | {name: share}), strength, share))
        loss, hold[name], weight[name] = min(tried)
        print(f"{name}: hold {hold[name]:g}, weight {weight[name]:g}, log loss {loss:.5f}")


def _fitted(rows: Sequence[Said], hold: Mapping[str, float], weight: Mapping[str, float]) -> float:
    total = 0.0
    for said in rows:
        usual = risk._rate(said.everybody, risk.OWN_COUNTS)
        odds, plain = math.log(usual / (1 - usual)), risk.base(said.everybody)
        x = math.log(plain / (1 - plain))
        for name, count in said.known.items():
            held = (count.failed + hold[name] * usual) / (count.tried + hold[name])
            x += weight[name] * (math.log(held / (1 - held)) - odds)
        total += math.log1p(math.exp(-x if said.failed else x))
    return total / len(rows)


def main(argv: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(prog="python -m evals.risk", description=(__doc__ or "").split("\n\n")[0])
    made.add_argument("--fit", action="store_true", help="look for the constants again, on the seeds to learn from")
    asked = made.parse_args(argv)
    if asked.fit:
        fit(LEARN)
        return 0
    found = judge(TEST)
    print(f"{'said':<14}{'attempts':>9}{'mean said':>11}{'failed':>9}{'in truth':>10}")
    for lo, count, said, failed, truth in found.table:
        print(f"{f'{lo} % and more':<14}{count:>9}{said:>11.1%}{failed:>9.1%}{truth:>10.1%}")
    print(f"log loss {found.loss:.4f}, of the base rate alone {found.base_loss:.4f}")
    print(f"Brier score {found.brier:.4f}, of the base rate alone {found.base_brier:.4f}")
    for each in found.gates():
        print(f"missed: {each}")
    return 1 if found.gates() else 0


if __name__ == "__main__":
    sys.exit(main())
