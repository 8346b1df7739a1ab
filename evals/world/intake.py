"""Orders that come in during the day, each sent by itself as a shop's system would, when its customer orders it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from core import canonical
from evals.client import ApiError, DoorstepClient
from evals.world.fate import Fate
from evals.world.scenario import Order, Scenario, import_row


@dataclass
class Intake:
    client: DoorstepClient
    scenario: Scenario
    due: deque[tuple[int, Order]]
    urgent: frozenset[str] = frozenset()
    urgent_taken: int = 0
    results: Counter[str] = field(default_factory=Counter)
    """taken, known already, or why it was refused"""

    @classmethod
    def of(cls, client: DoorstepClient, scenario: Scenario, fate: Fate) -> Intake:
        live = sorted((fate.live[order.ref], order.ref, order) for order in scenario.orders if order.ref in fate.live)
        return cls(client, scenario, deque((at, order) for at, _, order in live), fate.urgent)

    def send(self, until: int) -> Iterator[str]:
        """Send what was ordered by then, one by one; yields what became of it. A world that starts again sends it all
        again: nothing changes by that."""
        while self.due and self.due[0][0] <= until:
            result = self._sent(self.due.popleft()[1])
            self.results[result] += 1
            yield result

    def _sent(self, order: Order) -> str:
        row = import_row(order) | ({"priority": "urgent"} if order.ref in self.urgent else {})
        try:
            taken = self.client.import_orders(order.depot, self.scenario.day, canonical.dumps([row]))
        except ApiError as error:
            return f"{error.status} {error.title}"
        if taken.rejected:
            return f"rejected: {taken.rejected[0].reason}"
        self.urgent_taken += bool(taken.accepted and order.ref in self.urgent)
        return "taken" if taken.accepted else "known"
