"""What a change of routes comes to: the figures that all kinds of options share. The formula is in `optimizer.options`.

What an option costs besides (another day, a carrier, a second try) is priced where its kind is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from optimizer.breaches import Breach, added
from optimizer.problem import Weights
from optimizer.schedule import Schedule, Timing, costs, per

Routes = Mapping[str, tuple[str, ...]]


class Side(NamedTuple):
    """The touched routes, timed: as they are, or as an option leaves them."""

    timings: dict[str, Timing]
    breaches: dict[tuple[str, str], Breach]
    starts: dict[str, int]
    late: dict[str, int]
    """seconds, of the late stops only"""
    driving: int
    """cents without lateness"""

    @classmethod
    def of(cls, schedule: Schedule, routes: Routes) -> Side:
        vehicles = {v.id: v for v in schedule.problem.vehicles}
        timings = {v: schedule.timing(vehicles[v], stop_ids) for v, stop_ids in routes.items()}
        rows = [row for timing in timings.values() for row in timing.visits]
        breaches = [b for v, timing in timings.items() for b in schedule.breaches(vehicles[v], timing)]
        priced = [costs(schedule.problem.weights, vehicles[v], timing) for v, timing in timings.items()]
        return cls(
            timings=timings,
            breaches={breach.key: breach for breach in breaches},
            starts={stop_id: start for stop_id, _, start, _, _ in rows},
            late={stop_id: late for stop_id, _, _, _, late in rows if late},
            driving=sum(parts.total - parts.late for parts in priced),
        )


class Change(NamedTuple):
    """The touched routes before an answer and after it."""

    before: Side
    after: Side

    @classmethod
    def of(cls, schedule: Schedule, now: Routes, changed: Routes, after_in: Schedule | None = None) -> Change:
        """`now` holds every route that is compared; `after_in` times the changed ones where the problem changes too."""
        return cls(Side.of(schedule, now), Side.of(after_in or schedule, {**now, **changed}))

    def late(self, at_hand: Collection[str] = ()) -> set[str]:
        """Stops late after it: those that the question is about, and those that it makes late."""
        return {s for s in self.after.late if s in at_hand or s not in self.before.late}

    def cost(self, weights: Weights, *, late_s: int, moved: int, told: int, silent: int = 0) -> int:
        """Cents. `late_s` are the seconds of lateness that count, `moved` the stops in another place, `told` the
        customers who get a new time, `silent` those who stay late and hear nothing."""
        cost = self.after.driving - self.before.driving + per(weights.late_minute, late_s, 60)
        return cost + weights.stop_moved * moved + weights.retold_promise * told + weights.broken_promise * silent

    def arrivals(self, named: Collection[str]) -> dict[str, int]:
        """Expected start of service of the named stops and of every one whose time changes."""
        return {s: t for s, t in sorted(self.after.starts.items()) if s in named or self.before.starts.get(s) != t}

    def others_delayed_min(self, at_hand: Collection[str] = ()) -> int:
        """Minutes by which stops that the question is not about are reached later, added up."""
        known = [s for s in self.after.starts if s not in at_hand and s in self.before.starts]
        return minutes(sum(max(0, self.after.starts[s] - self.before.starts[s]) for s in known))

    def new_breaches(self) -> list[Breach]:
        """Hard constraints that are broken after it and were not before, or not as far."""
        return added(self.before.breaches.values(), self.after.breaches.values())

    def broken(self) -> tuple[str, ...]:
        """The same, in words."""
        return tuple(breach.words for breach in self.new_breaches())


def minutes(seconds: int) -> int:
    """Whole minutes, begun ones count."""
    return -(-seconds // 60)
