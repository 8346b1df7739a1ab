"""What all drivers and customers of one world share: the city, what goes wrong in it, and what has happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evals.wire import OrderRow
from evals.world import fate
from evals.world.fate import Fate
from evals.world.incidents import Incidents
from evals.world.scenario import Order, Scenario
from evals.world.streets import Streets

if TYPE_CHECKING:
    from evals.world.driver import Van


@dataclass
class Day:
    """What all drivers and customers of one world share."""

    scenario: Scenario
    streets: Streets
    incidents: Incidents
    fate: Fate
    orders: dict[str, Order] = field(default_factory=dict)
    """by the server's order id"""
    people: dict[str, str] = field(default_factory=dict)
    """ref -> person, as the server knows them"""
    attempts: Counter[str] = field(default_factory=Counter)
    """by ref: how often a driver stood at the door"""
    unwanted: set[str] = field(default_factory=set)
    """refs whose customers have cancelled: who comes all the same is sent away"""
    missed: list[tuple[int, str]] = field(default_factory=list)
    """when, and whose, first attempt failed, for the customer to hear of it"""
    received: list[tuple[int, str]] = field(default_factory=list)
    """when, and by whom, goods were taken"""
    vans: dict[str, Van] = field(default_factory=dict)  # by vehicle, for drivers who meet

    @classmethod
    def of(cls, scenario: Scenario, incidents: Incidents, rows: Sequence[OrderRow]) -> Day:
        made = cls(scenario, Streets.of(scenario, incidents.slow), incidents, fate.draw(scenario))
        made.learn(rows)
        return made

    def learn(self, rows: Sequence[OrderRow]) -> None:
        """Which order of ours each of the server's is."""
        by_ref = {order.ref: order for order in self.scenario.orders}
        self.orders |= {row.id: by_ref[row.ref] for row in rows if row.ref in by_ref}
        self.people |= {row.ref: row.person for row in rows if row.ref in by_ref}

    def refusal(self, ref: str) -> str | None:
        """Why this attempt fails, if it does. After a first one that failed customer and driver find each other."""
        if ref in self.unwanted:
            return "refused"
        return self.fate.failed.get(ref) if self.attempts[ref] == 0 else None

    def opens(self, orders: Sequence[Order]) -> int:
        """When service may start at a door; where windows don't meet, the earliest."""
        at = self.scenario.at
        starts = [at(o.depot, o.window_start) for o in orders if o.window_start]
        ends = [at(o.depot, o.window_end) for o in orders if o.window_end]
        if not starts:
            return 0
        opens = max(starts)
        return int((opens if not ends or opens < min(ends) else min(starts)).timestamp())
