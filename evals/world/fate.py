"""What becomes of each order, drawn before the day: which ones come live and when, whose customer cancels, where the
first attempt fails and why.

Nobody in the world knows it beforehand, and the server never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evals.world import chance
from evals.world.scenario import Order, Scenario

FIRST_LIVE_S = 1800
"""after the day's start: until then what comes in still is the morning's"""
LIVE_AHEAD_S = 3 * 3600
"""nobody orders for a time that is nearer than this"""


@dataclass(frozen=True)
class Fate:
    live: Mapping[str, int] = field(default_factory=dict)
    """ref -> when it comes in"""
    urgent: frozenset[str] = frozenset()
    """of the live ones, those that can't wait for another day"""
    cancelled: frozenset[str] = frozenset()
    claimed: Mapping[str, str] = field(default_factory=dict)
    """ref -> what its customer says after the delivery: `missing` or `damaged`"""
    failed: Mapping[str, str] = field(default_factory=dict)
    """ref -> why its first attempt fails"""


def draw(scenario: Scenario) -> Fate:
    """A live order's customer does not cancel, and where somebody cancels nobody fails: each order has one trouble."""
    seed, rates = scenario.seed, scenario.rates
    latest = {order.ref: _latest(scenario, order) for order in scenario.orders}
    earliest = int(scenario.start.timestamp()) + FIRST_LIVE_S
    # a day's worth of live orders is a share of all orders, taken from those that can still be ordered during the day
    late_enough = [ref for ref, at in latest.items() if at >= earliest]
    live = chance.some(round(rates.live * len(scenario.orders)), late_enough, seed, "live")
    known = [order.ref for order in scenario.orders if order.ref not in live]
    cancelled = chance.some(round(rates.cancelled * len(scenario.orders)), known, seed, "cancels")
    tried = [order.ref for order in scenario.orders if order.ref not in cancelled]
    failed = scenario.failures
    if failed is None:
        failed = tuple(chance.some(round(rates.failed_attempts * len(tried)), tried, seed, "nobody home"))
    calm = [ref for ref in tried if ref not in failed and ref not in live]
    claimed = chance.some(round(rates.claims * len(scenario.orders)), calm, seed, "claims")
    return Fate(
        live={ref: chance.between(earliest, latest[ref], seed, "live at", ref) for ref in sorted(live)},
        urgent=chance.some(round(rates.urgent * len(scenario.orders)), sorted(live), seed, "urgent"),
        cancelled=cancelled,
        claimed={ref: chance.by_share(rates.claimed, seed, "claims that", ref) for ref in sorted(claimed)},
        failed={ref: chance.by_share(rates.reasons, seed, "failed because", ref) for ref in sorted(failed)},
    )


def _latest(scenario: Scenario, order: Order) -> int:
    """Until when an order for today still makes sense: well before its window ends, or the last shift does."""
    ends = [scenario.at(order.depot, order.window_end)] if order.window_end else []
    ends += [max(scenario.at(v.depot, v.shift_end) for v in scenario.vehicles if v.depot == order.depot)]
    return int(min(ends).timestamp()) - LIVE_AHEAD_S
