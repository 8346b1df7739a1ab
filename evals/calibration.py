"""`python -m evals.calibration`: learn the arrival ranges from days that were lived, and test them on others.

The days are those of the simulated world (evals/drives.py). At fixed intervals every van's stops are predicted, from
what the engine would know then, by `optimizer.eta` itself. Learned on some seeds, judged on others: how often the
range held the true start of service, by lead (predicted time to go when the prediction was made), and how wide it was
against the true quantiles, which come from driving the rest of the same day again and again under other luck.

Exit 1 when a gate is missed. `--write` puts what was learned into optimizer/eta_spread.json, with where it comes from.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from evals import drives
from evals.world.operation import Operation
from evals.world.synthetic import city
from optimizer import eta
from optimizer.eta import Learned, Situation, Spread
from optimizer.problem import Stop
from optimizer.schedule import Schedule

LEADS_S = (0, 30 * 60, 120 * 60)
"""where the leads begin that are judged on their own"""
HOLDS = (0.77, 0.83)
WIDEST = 1.3
"""median width of the ranges / median width of the true quantiles"""
TAIL = 0.1
"""share that may lie beyond each end"""
STEPS_S = (300, 600, 1200, 1800, 3600, 5400, 7200, 10800, 14400)
"""leads from which factors of their own are learned"""
FEWEST = 200
"""predictions that a factor is learned from; with fewer, those of all leads together count"""
PLAIN = {"leg_percent": 20, "lo": (0,), "hi": (0,)}
"""A leg's share is fixed: the other spreads are learned relative to it, and the factors carry the scale."""
GRID = {"service_percent": (20, 30, 45), "common_percent": (0, 4, 8), "floor_s": (15, 60, 240, 900)}
SOON_S = 300
"""A second too wide counts by its share of the lead and this, so that the next stop counts as much as the last."""

Floats = NDArray[np.float64]
T = TypeVar("T")


class Look(NamedTuple):
    """One van at one moment: its timed route, and what came of it."""

    does: Situation
    now_s: int
    free_s: int
    visits: list[tuple[str, int, int, int, int]]
    stops: dict[str, Stop]
    began_s: dict[str, int]


class Error(NamedTuple):
    """How far off one prediction was: the fewest sigmas that each end must be away for the range to hold."""

    lead_s: int
    below: float
    above: float
    sigma_s: float


@dataclass(frozen=True)
class Judged:
    """One prediction of a test day."""

    does: Situation
    lead_s: int
    width_s: int
    held: bool
    true_s: float | None
    """width between the true quantiles, where it was looked for"""


# -- learning


def looks(lived: drives.Lived, every_s: int) -> Iterator[Look]:
    for at, yard in itertools.product(lived.moments(every_s), lived.yards):
        problem = lived.problem(yard, at)
        schedule, t0 = Schedule(problem, yard.here.matrix), int(yard.here.t0.timestamp())
        for vehicle in lived.moving(problem, at):
            visits = schedule.timing(vehicle, problem.routes[vehicle.id]).visits
            if visits:
                began = {row[0]: lived.began[row[0]] - t0 for row in visits if row[0] in lived.began}
                does = eta.situation(vehicle, problem.now_s)
                yield Look(does, problem.now_s, vehicle.ready_s, visits, schedule.stops, began)


def errors(seen: Sequence[Look], spread: Spread) -> list[Error]:
    found = []
    for look in seen:
        for each in eta.ahead(look.visits, look.stops, look.free_s, spread):
            actual = look.began_s.get(each.stop.id)
            if actual is not None:
                found.append(_error(look, each, actual))
    return found


def _error(look: Look, each: eta.Ahead, actual: int) -> Error:
    """A start at the expected second holds however narrow the range; so does one behind a window's opening."""
    sigma, expected = max(each.sigma_cs / 100, 1.0), max(each.start_s, look.now_s)
    off = (actual - each.arrival_s) / sigma
    below = -off if actual < expected else -math.inf
    above = off if actual > expected else -math.inf
    return Error(expected - look.now_s, below, above, sigma)


def learn(seen: Sequence[Look]) -> dict[Situation, Spread]:
    """For each situation the spreads whose ranges cost least, and their factors."""
    return {does: _learn([look for look in seen if look.does == does]) for does in get_args(Situation)}


def _learn(seen: Sequence[Look]) -> Spread:
    tried = (dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values()))
    made = (_factors(seen, Spread.model_validate(PLAIN | each)) for each in tried)
    return min(made, key=lambda pair: pair[1])[0]


def _factors(seen: Sequence[Look], spread: Spread) -> tuple[Spread, float]:
    """The factors for these spreads, and what the ranges cost then."""
    found, loss = errors(seen, spread), 0.0
    leads = np.array([error.lead_s for error in found])
    sigma, steps = np.array([error.sigma_s for error in found]), np.searchsorted(STEPS_S, leads, side="right")
    ends = {}
    for end, off in (("lo", [error.below for error in found]), ("hi", [error.above for error in found])):
        factors = _by_step(np.array(off), steps)
        ends[end] = tuple(round(1000 * factor) for factor in factors)
        loss += _loss(np.array(off), sigma / (leads + SOON_S), factors[steps])
    return spread.model_copy(update={"lead_s": STEPS_S, **ends}), loss


def _by_step(off: Floats, steps: NDArray[np.intp]) -> Floats:
    parts = [off[steps == n] for n in range(len(STEPS_S) + 1)]
    return np.array([_quantile(part if len(part) >= FEWEST else off) for part in parts])


def _quantile(off: Floats) -> float:
    """Of n errors the one that (n + 1)(1 - tail) of them do not pass: split conformal's finite-sample quantile."""
    if not len(off):
        return 0.0
    nth = min(math.ceil((len(off) + 1) * (1 - TAIL)), len(off))
    return float(max(np.sort(off)[nth - 1], 0.0))


def _loss(off: Floats, sigma: Floats, factor: Floats) -> float:
    """Pinball loss, as in quantile regression: width costs its tail's share, what lies beyond costs in full."""
    return float((sigma * (TAIL * factor + np.maximum(off - factor, 0))).sum())


# -- judging


def judge(lived: drives.Lived, known: Learned, every_s: int, true_every: int, lucks: int) -> list[Judged]:
    """Every prediction of a day; every `true_every`th moment also against the true quantiles."""
    found: list[Judged] = []
    for nth, at in enumerate(lived.moments(every_s)):
        for yard in lived.yards:
            problem, t0 = lived.problem(yard, at), int(yard.here.t0.timestamp())
            schedule = Schedule(problem, yard.here.matrix)
            for vehicle in lived.moving(problem, at):
                predicted = eta.predict(problem, yard.here.matrix, vehicle.id, schedule, known)
                again = lived.again(vehicle.id, at, lucks) if predicted and nth % true_every == 0 else {}
                does = eta.situation(vehicle, problem.now_s)
                for each in predicted:
                    if each.stop_id in lived.began:
                        actual, drawn = lived.began[each.stop_id] - t0, again.get(each.stop_id)
                        found.append(
                            Judged(
                                does, each.p50_s - problem.now_s, each.hi_s - each.lo_s,
                                each.lo_s <= actual <= each.hi_s, _true_width(drawn),
                            )
                        )  # fmt: skip
    return found


def _true_width(drawn: Sequence[int] | None) -> float | None:
    if not drawn:
        return None
    # the nth of n draws is the n / (n + 1) quantile; numpy's default would make true ranges of few draws too narrow
    lo, hi = np.quantile(np.array(drawn, dtype=float), [TAIL, 1 - TAIL], method="weibull")
    return float(hi - lo)


@dataclass(frozen=True)
class Figures:
    """What the gates look at, of one lead."""

    words: str
    predictions: int
    holds: float
    width_s: float
    ratio: float
    """median width / median true width, where both are known"""

    @property
    def passes(self) -> bool:
        return HOLDS[0] <= self.holds <= HOLDS[1] and self.ratio <= WIDEST


def figures(found: Sequence[Judged], words: str) -> Figures:
    known = [each for each in found if each.true_s is not None]
    width = float(np.median([each.width_s for each in known])) if known else math.nan
    true = float(np.median([each.true_s for each in known if each.true_s is not None])) if known else math.nan
    holds = sum(each.held for each in found) / len(found) if found else math.nan
    return Figures(words, len(found), holds, width, width / true if true else math.nan)


def by_lead(found: Sequence[Judged]) -> list[Figures]:
    edges = (*LEADS_S, 10**9)
    named = ("under 30 min", "30 to 120 min", "over 120 min")
    return [
        figures([each for each in found if lo <= each.lead_s < hi], words)
        for lo, hi, words in zip(edges[:-1], edges[1:], named, strict=True)
    ]


# -- the command


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    if set(asked.learn) & set(asked.test):
        raise SystemExit("--learn and --test share a seed: what was learned on can't test it. Give others.")
    if asked.learn:
        seen = [look for day in _each(partial(_seen, asked), asked.learn) for look in day]
        source = {
            "command": "python -m evals.calibration --write",
            "world": f"the default operation at its rates, {asked.orders} orders, {asked.vans} vans",
            "seeds": asked.learn, "every_s": asked.every, "looks": len(seen),
        }  # fmt: skip
        known = Learned(source=source, spreads=learn(seen))
    else:
        known = eta.learned()
    found = [each for day in _each(partial(_judged, asked, known), asked.test) for each in day]
    told = by_lead(found)
    show(found, told)
    if asked.write is not None:
        asked.write.write_text(as_text(known), "utf-8")
    return 0 if all(each.passes for each in told) else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m evals.calibration", description=(__doc__ or "").split("\n\n")[0])
    made.add_argument("--learn", type=seeds, default=seeds("1-100"), help="seeds to learn from; none: test what ships")
    made.add_argument("--test", type=seeds, default=seeds("101-120"), help="seeds to test on")
    made.add_argument("--orders", type=int, default=300)
    made.add_argument("--vans", type=int, default=14)
    made.add_argument("--every", type=int, default=600, help="seconds between two predictions of a van's stops")
    made.add_argument("--true-every", type=int, default=11, help="of so many predictions one is driven on many times")
    made.add_argument("--lucks", type=int, default=29, help="how many times; 29 make the 3rd and the 27th the ends")
    made.add_argument("--write", nargs="?", type=Path, const=eta.LEARNED, help=f"a file; else {eta.LEARNED.name}")
    return made


def seeds(text: str) -> list[int]:
    """`1-3,7` is 1, 2, 3 and 7; `none` is nothing."""
    parts = [] if text == "none" else [part.split("-") for part in text.split(",")]
    return [seed for part in parts for seed in range(int(part[0]), int(part[-1]) + 1)]


def _each(work: Callable[[int], T], of: Sequence[int]) -> list[T]:
    """What comes of each seed, in their order: a day a core."""
    if len(of) < 2:
        return [work(seed) for seed in of]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, of))


def _seen(asked: argparse.Namespace, seed: int) -> list[Look]:
    return list(looks(_day(asked, seed), asked.every))


def _judged(asked: argparse.Namespace, known: Learned, seed: int) -> list[Judged]:
    return judge(_day(asked, seed), known, asked.every, asked.true_every, asked.lucks)


def _day(asked: argparse.Namespace, seed: int) -> drives.Lived:
    return drives.live(city(Operation(), seed, asked.orders, asked.vans))


def show(found: Sequence[Judged], told: Sequence[Figures]) -> None:
    print(f"{'lead':<16}{'what':<10}{'predicted':>10}{'held':>8}{'width':>8}{'of true':>9}")
    for each in told:
        print(_line(each, "all") + ("" if each.passes else "  MISSED"))
    for does in get_args(Situation):
        for each in by_lead([one for one in found if one.does == does]):
            print(_line(each, does))


def _line(of: Figures, what: str) -> str:
    return f"{of.words:<16}{what:<10}{of.predictions:>10}{of.holds:>8.1%}{of.width_s / 60:>6.1f} m{of.ratio:>9.2f}"


def as_text(known: Learned) -> str:
    """Canonical, so that learning the same again changes nothing."""
    return json.dumps(known.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
