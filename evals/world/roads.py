"""The road service: reports the day's closed and slow roads to the server when they are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from evals.client import ApiError, DoorstepClient
from evals.world.incidents import Road

NOT_THERE = (404, 405)
"""a server that knows no incidents says so; the day goes on and the report counts it"""


@dataclass
class Roads:
    client: DoorstepClient
    due: list[Road]
    results: Counter[str] = field(default_factory=Counter)
    """reported, or why it was refused"""

    @classmethod
    def of(cls, client: DoorstepClient, roads: Sequence[Road]) -> Roads:
        return cls(client, sorted(roads, key=lambda road: (road.reported, road.id)))

    def report(self, until: int) -> Iterator[str]:
        """Report what is known by then, one by one; yields what became of it."""
        while self.due and self.due[0].reported <= until:
            result = self._told(self.due.pop(0))
            self.results[result] += 1
            yield result

    def _told(self, road: Road) -> str:
        zone = road.zone
        try:
            for depot in road.depots:
                self.client.report_incident(
                    kind="road_closed" if road.closed else "slow_zone",
                    depot=depot,
                    lat=zone.middle[0],
                    lon=zone.middle[1],
                    radius_m=zone.radius_m,
                    until=datetime.fromtimestamp(zone.ends, UTC),
                )
        except ApiError as error:
            if error.status not in NOT_THERE:
                raise
            return f"{error.status} {error.title}"
        return "reported"
