"""What goes wrong today: late docks, slow zones and doors that take long. Drawn from the seed once the plan is known.

Dock delays always hit the two first-wave vans whose promises have the least slack: a day without trouble in its first
hour shows nothing and tests nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evals.world import chance
from evals.world.scenario import Depot, Scenario
from evals.world.streets import SlowZone

DOCK_MIN = (20, 50)
SURE_DOCK_MIN = (40, 50)
FELT_S = 600
LONGEST_DOCK_S = 80 * 60
SURE_DELAYS = 2
DOCK_ODDS = 0.20
ZONES_A_DEPOT = 2
ZONE_HOURS = (9, 14)
LONG_SERVICE_ODDS = 0.01
FIRST_WAVE_S = 3600
"""a van that starts within an hour of the first one is of the first wave"""


@dataclass(frozen=True)
class Incidents:
    dock_delay_s: Mapping[str, int] = field(default_factory=dict)
    """by vehicle"""
    zones: tuple[SlowZone, ...] = ()
    long_service: Mapping[str, float] = field(default_factory=dict)
    """factor by order ref"""


def draw(scenario: Scenario, slack_s: Mapping[str, int]) -> Incidents:
    """`slack_s`: of each van that has a route, the least time between a planned arrival and the end of its promise."""
    return Incidents(
        dock_delay_s=_dock_delays(scenario, slack_s),
        zones=tuple(_zone(scenario, depot, n) for depot in scenario.depots for n in range(ZONES_A_DEPOT)),
        long_service={
            order.ref: 3.0 + 2.0 * chance.unit(scenario.seed, "long factor", order.ref)
            for order in scenario.orders
            if chance.happens(LONG_SERVICE_ODDS, scenario.seed, "long service", order.ref)
        },
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
        if van not in delays and chance.happens(DOCK_ODDS, seed, "dock", van):
            delays[van] = 60 * chance.between(*DOCK_MIN, seed, "dock minutes", van)
    return delays


def _zone(scenario: Scenario, depot: Depot, number: int) -> SlowZone:
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
