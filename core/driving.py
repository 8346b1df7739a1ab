"""How long drivers have driven, counted one way for plans and for taps: Regulation (EC) No 561/2006, articles 6 and 7.

After so much driving a break is due, 45 minutes at once or 15 and later 30; a day has so much driving in it. Of the
taps, driving is from a door (or the depot, a break, a repair) to the next arrival. A break counts when it is tapped, or
when the van stood before a door that was not open yet; loading, serving and standing broken are no rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, Row, func, select, update

from core import fleet, rests
from core.clock import iso, parse
from core.store.tables import event, order, van

LONGEST_DAY = timedelta(hours=18)
"""a van that left before that left on another day"""
DRIVES_ON = ("driver.departed", "driver.delivered", "driver.fetched", "driver.failed", "driver.took", "driver.repaired")
"""taps after which the van drives, until the next one of the others"""
STANDS = ("driver.arrived", "driver.breakdown", "driver.finished")
BREAKS = ("driver.break_started", "driver.break_ended")
COUNTED = (*DRIVES_ON, *STANDS, *BREAKS)


class Law(Protocol):
    @property
    def break_s(self) -> int:
        """how long a break is that is taken at once"""
        ...

    @property
    def parts_s(self) -> tuple[int, int] | None:
        """the least of its first and of its second part; None: it can't be split"""
        ...


@dataclass
class Driving:
    """A driver's day so far, in seconds of driving."""

    since_s: int = 0
    """since the last whole break, or the second part of one"""
    today_s: int = 0
    part: bool = False
    """the first part of a break has been taken since then"""

    def drives(self, seconds: int) -> None:
        self.since_s, self.today_s = self.since_s + seconds, self.today_s + seconds

    def rests(self, seconds: int, law: Law) -> None:
        """Article 7: what is shorter than the first part counts for nothing, nor does a part before any driving."""
        if seconds >= self.owed_s(law):
            self.since_s, self.part = 0, False
        elif law.parts_s is not None and self.since_s and seconds >= law.parts_s[0]:
            self.part = True

    def owed_s(self, law: Law) -> int:
        """How long the break is that will be due: the whole of it, or its second part."""
        return min(law.parts_s[1], law.break_s) if self.part and law.parts_s is not None else law.break_s

    def useful_s(self, free_s: int, law: Law) -> int:
        """Of so much time to spare, the break that is worth taking; 0: none."""
        if not self.since_s:
            return 0
        parts = (law.parts_s[0],) if law.parts_s is not None and not self.part else ()
        return next((each for each in (self.owed_s(law), *parts) if free_s >= each), 0)


MOMENTS = ("began", "drives_from", "rests_from", "rests_until", "rested_at")


@dataclass
class Day:
    """A van's day by its driver's taps."""

    driving: Driving
    began: datetime | None = None
    """when it left first"""
    drives_from: datetime | None = None
    """since when it drives, if it does"""
    rests_from: datetime | None = None
    rests_until: datetime | None = None
    """of the break that it is on: when it will be over, as the driver said"""
    rested_s: int = 0
    rested_at: datetime | None = None
    """end of the last break"""

    def kept(self) -> dict[str, Any]:
        said = {name: iso(when) if (when := getattr(self, name)) else None for name in MOMENTS}
        now = self.driving
        counted = {"since_s": now.since_s, "today_s": now.today_s, "part": now.part, "rested_s": self.rested_s}
        return said | counted

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Day:
        """As `kept` wrote it."""
        if not kept:
            return cls(Driving())
        at = {name: parse(kept[name]) if kept[name] else None for name in MOMENTS}
        return cls(Driving(kept["since_s"], kept["today_s"], kept["part"]), rested_s=kept["rested_s"], **at)


def so_far(kept: Mapping[str, Any] | None, law: Law, now: datetime, *, rested: bool = False) -> Driving:
    """Driving until now, by what is kept on the van's row: the drive or the break that it is on counts, too. With
    `rested` such a break counts as long as the driver said, since the van goes on only then."""
    day = Day.of(kept)
    if day.drives_from is not None:
        day.driving.drives(_between(day.drives_from, now))
    if day.rests_from is not None:
        until = max(now, day.rests_until or now) if rested else now
        day.driving.rests(_between(day.rests_from, until), law)
    return day.driving


def hours(kept: Mapping[str, Any] | None, law: Law, now: datetime) -> dict[str, int]:
    """Seconds of a van's day until now: worked without breaks, rested, worked since the last break, driven on the day
    and since the last break that counts."""
    day, driven = Day.of(kept), so_far(kept, law, now)
    if day.began is None or day.began > now:
        return dict.fromkeys(("worked_s", "rested_s", "since_rest_s", "drove_s", "driven_s"), 0)
    resting = _between(day.rests_from, now) if day.rests_from else 0
    rested = day.rested_s + resting
    last = now if day.rests_from else day.rested_at or day.began
    return {
        "worked_s": _between(day.began, now) - rested, "rested_s": rested, "since_rest_s": _between(last, now),
        "drove_s": driven.today_s, "driven_s": driven.since_s,
    }  # fmt: skip


def count(db: Connection, vehicle_id: str) -> None:
    """Count a van's day anew from all of its taps, since they come late and in any order, and keep it on its row."""
    mine = (event.c.vehicle_id == vehicle_id) & event.c.kind.in_(COUNTED)
    newest = select(func.max(event.c.at)).where(mine).scalar_subquery()
    query = select(event.c.kind, event.c.at, event.c.subject, event.c.data).where(
        mine, event.c.at >= newest - LONGEST_DAY
    )
    taps: list[Row[Any]] = list(db.execute(query.order_by(event.c.at, event.c.seq)))
    law = fleet.law_of(fleet.get_vehicle(db, vehicle_id).hours)
    made = walk(taps, _opens(db, [tap.subject for tap in taps if tap.kind == "driver.arrived"]), law)
    db.execute(update(van).where(van.c.vehicle_id == vehicle_id).values(hours=made.kept()))


def walk(taps: Sequence[Row[Any]], opens: Mapping[str, datetime], law: Law) -> Day:
    """The day by its taps in order of time; `opens` is when a stop can be served first."""
    day = Day(Driving())
    for tap in taps:
        if day.drives_from is not None:
            day.driving.drives(_between(day.drives_from, tap.at))
            day.drives_from = None
        if tap.kind == "driver.departed" and day.began is None:
            day.began = tap.at
        if tap.kind == "driver.break_started":
            minutes = tap.data.get("minutes", rests.USUAL_MIN)
            day.rests_from, day.rests_until = tap.at, tap.at + timedelta(minutes=minutes)
        elif day.rests_from is not None:
            _rested(day, tap.at, law)
        if tap.kind == "driver.arrived" and tap.subject in opens:
            day.driving.rests(_between(tap.at, opens[tap.subject]), law)
        if tap.kind in DRIVES_ON or (tap.kind == "driver.break_ended" and day.began is not None):
            day.drives_from = tap.at
    return day


def _rested(day: Day, until: datetime, law: Law) -> None:
    """A break is over with its tap, or with whatever else the driver does."""
    assert day.rests_from is not None
    seconds = _between(day.rests_from, until)
    day.driving.rests(seconds, law)
    if day.began is not None:
        day.rested_s += _between(max(day.rests_from, day.began), until)
        day.rested_at = until
    day.rests_from = day.rests_until = None


def _opens(db: Connection, stops: Sequence[str]) -> dict[str, datetime]:
    """Stop -> when the first of its windows opens."""
    if not stops:
        return {}
    rows = db.execute(select(order.c.stop_id, order.c.windows).where(order.c.stop_id.in_(set(stops))))
    found: dict[str, datetime] = {}
    for stop, windows in rows:
        for lo, _ in windows[:1]:
            found[stop] = max(parse(lo), found.get(stop, parse(lo)))
    return found


def _between(a: datetime, b: datetime) -> int:
    return max(int((b - a).total_seconds()), 0)
