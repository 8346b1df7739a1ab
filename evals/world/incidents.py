"""What goes wrong today: late docks, slow zones and doors that take long; a van that breaks down, a closed road. Drawn
from the seed once the plan is known.

Dock delays always hit the two first-wave vans whose promises have the least slack: a day without trouble in its first
hour shows nothing and tests nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evals.world import chance
from evals.world.scenario import Depot, Scenario
from evals.world.streets import SlowZone, metres

DOCK_MIN = (20, 50)
SURE_DOCK_MIN = (40, 50)
FELT_S = 600
LONGEST_DOCK_S = 80 * 60
SURE_DELAYS = 2
ZONE_HOURS = (9, 14)
BREAKS_AFTER_S = (1200, 7200)
"""since the van left: most routes are longer"""
KNOWS_HOW_LONG = 0.6
"""share of drivers who can say when a broken van goes on"""
CLOSED_ODDS = 0.5
"""of the reported roads; the others are slow"""
CLOSED_FACTOR = 3.5
"""the way round"""
REPORTED_AFTER_S = 300
RESTS_AFTER_S = (3 * 3600, 5 * 3600)
"""since the driver came"""
QUICK = 2 / 3
"""of the time at each door, for a van whose customers all stand ready"""
FIRST_WAVE_S = 3600
"""a van that starts within an hour of the first one is of the first wave"""


@dataclass(frozen=True)
class Breakdown:
    """A van stands where it is, on its first drive when it has been out for so long."""

    after_s: int
    stands_s: int
    known: bool
    """whether the driver can say for how long"""


@dataclass(frozen=True)
class Rest:
    """A driver's break at a door."""

    after_s: int
    """since the driver came"""
    minutes: int


@dataclass(frozen=True)
class Road:
    """Trouble on a road that somebody reports, unlike a slow zone."""

    id: str
    zone: SlowZone
    closed: bool
    depots: tuple[str, ...]
    """those that have a door inside"""

    @property
    def reported(self) -> int:
        return self.zone.begins + REPORTED_AFTER_S


@dataclass(frozen=True)
class Incidents:
    dock_delay_s: Mapping[str, int] = field(default_factory=dict)
    """by vehicle"""
    zones: tuple[SlowZone, ...] = ()
    long_service: Mapping[str, float] = field(default_factory=dict)
    """factor by order ref"""
    breakdowns: Mapping[str, Breakdown] = field(default_factory=dict)
    """by vehicle"""
    breaks: Mapping[str, Rest] = field(default_factory=dict)
    """by vehicle"""
    quick: Mapping[str, float] = field(default_factory=dict)
    """factor of the time at doors, by vehicle"""
    roads: tuple[Road, ...] = ()

    @property
    def slow(self) -> tuple[SlowZone, ...]:
        """All that makes driving slower, whether anybody reports it or not."""
        return (*self.zones, *(road.zone for road in self.roads))


def draw(scenario: Scenario, slack_s: Mapping[str, int]) -> Incidents:
    """`slack_s`: of each van that has a route, the least time between a planned arrival and the end of its promise."""
    return Incidents(
        dock_delay_s=_dock_delays(scenario, slack_s),
        zones=tuple(_zone(scenario, depot, n) for depot in scenario.depots for n in range(scenario.rates.slow_zones)),
        long_service={
            order.ref: 3.0 + 2.0 * chance.unit(scenario.seed, "long factor", order.ref)
            for order in scenario.orders
            if chance.happens(scenario.rates.long_services, scenario.seed, "long service", order.ref)
        },
        breakdowns=_breakdowns(scenario, sorted(slack_s)),
        breaks=_breaks(scenario, sorted(slack_s)),
        quick=dict.fromkeys(chance.some(scenario.rates.quick_vans, sorted(slack_s), scenario.seed, "quick"), QUICK),
        roads=tuple(_road(scenario, n) for n in range(scenario.rates.incidents)),
    )


def _dock_delays(scenario: Scenario, slack_s: Mapping[str, int]) -> dict[str, int]:
    seed = scenario.seed
    starts = {van.id: scenario.at(van.depot, van.shift_start).timestamp() for van in scenario.vehicles}
    used = sorted(van for van in slack_s if van in starts)
    if not used:
        return {}
    earliest = min(starts[van] for van in used)
    first_wave = [van for van in used if starts[van] - earliest <= FIRST_WAVE_S]
    ranked = sorted(first_wave, key=lambda van: (slack_s[van], chance.unit(seed, "dock tie", van)))
    delays = {}
    for van in ranked[:SURE_DELAYS]:
        sure = 60 * chance.between(*SURE_DOCK_MIN, seed, "dock minutes", van)
        # where nobody chose a narrow window, promises are wide: the delay must be felt, or nothing happens all morning
        delays[van] = max(sure, min(slack_s[van] // 60 * 60 + FELT_S, LONGEST_DOCK_S))
    for van in used:
        if van not in delays and chance.happens(scenario.rates.late_docks, seed, "dock", van):
            delays[van] = 60 * chance.between(*DOCK_MIN, seed, "dock minutes", van)
    return delays


def _breakdowns(scenario: Scenario, used: list[str]) -> dict[str, Breakdown]:
    """Of the vans that have work; a van breaks down once."""
    seed, rates = scenario.seed, scenario.rates
    return {
        van: Breakdown(
            after_s=chance.between(*BREAKS_AFTER_S, seed, "breaks after", van),
            stands_s=60 * chance.between(*rates.breakdown_min, seed, "stands", van),
            known=chance.happens(KNOWS_HOW_LONG, seed, "knows how long", van),
        )
        for van in sorted(chance.some(rates.breakdowns, used, seed, "breaks down"))
    }


def _breaks(scenario: Scenario, used: list[str]) -> dict[str, Rest]:
    """A share of the vans that have work, met exactly."""
    seed, rates = scenario.seed, scenario.rates
    return {
        van: Rest(
            after_s=chance.between(*RESTS_AFTER_S, seed, "rests after", van),
            minutes=chance.between(*rates.break_min, seed, "rests", van),
        )
        for van in sorted(chance.some(round(rates.breaks * len(used)), used, seed, "rests at all"))
    }


def _road(scenario: Scenario, number: int) -> Road:
    """Around a door of one of the depots."""
    key = (scenario.seed, "road", number)
    depot = chance.pick(scenario.depots, *key, "depot")
    closed = chance.happens(CLOSED_ODDS, *key, "closed")
    zone = _zone(scenario, depot, f"road {number}")
    inside = {o.depot for o in scenario.orders if metres(zone.middle, o.point) <= zone.radius_m} | {depot.id}
    return Road(
        id=f"{scenario.seed}:road:{number}",
        zone=replace(zone, factor=CLOSED_FACTOR) if closed else zone,
        closed=closed,
        depots=tuple(sorted(inside)),
    )


def _zone(scenario: Scenario, depot: Depot, number: int | str) -> SlowZone:
    """Around a door of that depot's, at some time of its working day."""
    key = (scenario.seed, "zone", depot.id, str(number))
    doors = [order.point for order in scenario.orders if order.depot == depot.id] or [depot.point]
    opens = int(scenario.at(depot.id, f"{chance.between(*ZONE_HOURS, *key, 'hour'):02d}:00").timestamp())
    return SlowZone(
        middle=chance.pick(doors, *key, "door"),
        radius_m=chance.between(1500, 3500, *key, "radius"),
        begins=opens,
        ends=opens + 60 * chance.between(60, 150, *key, "minutes"),
        factor=1.6 + 0.8 * chance.unit(*key, "factor"),
    )
