"""Incidents that somebody told us of: a cause that hits many stops. Facts like others, kept as events of a depot's day.

What they do to travel times is the optimizer's business; which cases they fold into one, that of `tools.incidents`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, select

from core import canonical, events, fleet
from core.errors import BadInput, NotFound, WrongState
from core.events import Event
from core.store.tables import event

Kind = Literal["road_closed", "slow_zone", "storm", "depot_late"]
DECLARED = frozenset(f"incident.{kind}" for kind in get_args(Kind))
ENDED = "incident.ended"
PERCENT: dict[str, int] = {"road_closed": 300, "slow_zone": 200, "storm": 150}
"""how long a leg through the circle takes when nobody says: 300 is three times as long"""


class NewIncident(BaseModel):
    """What is known of it. A circle in which driving takes longer, or a depot that sends its vans out late."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    depot: str = Field(min_length=1, max_length=80)
    until: AwareDatetime
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    radius_m: int | None = Field(None, ge=50, le=200_000)
    percent: int | None = Field(None, ge=100, le=1000, description="how long a leg through it takes: 200 is twice")
    minutes: int | None = Field(None, ge=1, le=24 * 60, description="how much later the depot's vans leave")

    @model_validator(mode="after")
    def _says_where(self) -> NewIncident:
        if self.kind == "depot_late":
            if self.minutes is None:
                raise BadInput("A late depot needs its minutes.", "Send `minutes`.", field="minutes")
        elif self.lat is None or self.lon is None or self.radius_m is None:
            raise BadInput(f"A {self.kind} needs a circle.", "Send `lat`, `lon` and `radius_m`.", field="radius_m")
        return self


class Incident(BaseModel):
    """One that was declared."""

    model_config = ConfigDict(frozen=True)

    id: str
    at: datetime
    said: NewIncident
    ended: datetime | None = None
    """when somebody said that it is over, before its time"""

    def lasts(self, now: datetime) -> bool:
        return self.at <= now < (self.said.until if self.ended is None else min(self.ended, self.said.until))

    @property
    def percent(self) -> int:
        return self.said.percent or PERCENT.get(self.said.kind, 100)


def declare(db: Connection, new: NewIncident, day: date, by: str, at: datetime) -> str:
    """Write it down. The same one again is the same one; returns its id."""
    fleet.get_depot(db, new.depot)
    if new.until <= at:
        raise BadInput(f"{new.until.isoformat()} is over.", "Say until when it lasts.", field="until")
    made = canonical.short("inc", new.model_dump(mode="json"), day.isoformat())
    fact = Event(
        key=made, kind=f"incident.{new.kind}", source=by, subject=_subject(new.depot, day), at=at,
        data={"said": new.model_dump(mode="json")},
    )  # fmt: skip
    events.append(db, fact, at)
    return made


def end(db: Connection, incident_id: str, by: str, at: datetime) -> bool:
    """Say that it is over before its time. False when somebody has said so already.

    Raises NotFound for one that nobody declared, WrongState for one whose time has passed.
    """
    row = db.execute(select(event).where(event.c.key == incident_id, event.c.kind.in_(DECLARED))).one_or_none()
    if row is None:
        raise NotFound(f"There is no incident {incident_id[:80]}.", "List them under GET /api/incidents.", field="id")
    until = NewIncident.model_validate(row.data["said"]).until
    if until <= at:
        raise WrongState(f"It is over since {until.isoformat()}.", "There is nothing left to end.", field="id")
    fact = Event(key=f"{incident_id}:ended", kind=ENDED, source=by, subject=row.subject, at=at,
                 data={"incident": incident_id})  # fmt: skip
    return events.append(db, fact, at)


def of_day(db: Connection, depot_id: str, day: date) -> list[Incident]:
    """All that were declared, oldest first."""
    rows = events.of(db, _subject(depot_id, day))
    ended = {row.data["incident"]: row.at for row in rows if row.kind == ENDED}
    return [
        Incident(id=row.key, at=row.at, said=NewIncident.model_validate(row.data["said"]), ended=ended.get(row.key))
        for row in rows
        if row.kind in DECLARED
    ]


def lasting(db: Connection, depot_id: str, day: date, now: datetime) -> list[Incident]:
    return [incident for incident in of_day(db, depot_id, day) if incident.lasts(now)]


def _subject(depot_id: str, day: date) -> str:
    return f"incidents:{depot_id}:{day}"
