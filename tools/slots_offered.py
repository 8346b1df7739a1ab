"""Tool: the times at which an order could be brought, as they are offered in a conversation. Reads only.

Offered are the cheapest windows that break nobody's promise. A customer sees day and times; what each costs is for
staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from core import fleet, money
from core.errors import DoorstepError
from tools import shown, slots, tracker
from tools.slots import Finder, Slot

Fact = dict[str, Any]
OFFERED = 3
DAYS = 5


def offer(
    db: Connection, row: Row[Any], args: Mapping[str, str], now: datetime, finder: Finder, *, costs: bool
) -> list[Fact]:
    """`offered`, as DAY@LO-HI in local time with commas between, in order of time; `no_slot` when there is none.
    `day` limits it to one day, `after` and `before` (HH:MM) to a part of each."""
    tz = ZoneInfo(fleet.get_depot(db, row.depot_id).tz)
    first, days = row.day + timedelta(days=1), DAYS
    if args.get("day"):
        first, days = max(first, date.fromisoformat(args["day"])), 1
    try:
        found = finder.slots(slots.of_order(db, row.id), now, days=days, first=first)
    except DoorstepError as error:
        if error.status >= 500:
            raise
        found = ()
    free = [slot for slot in found if slot.promises == 0 and _suits(slot, tz, args)]
    chosen = sorted(sorted(free, key=lambda slot: (slot.cost_cents, slot.lo))[:OFFERED], key=lambda slot: slot.lo)
    if not chosen:
        return [tracker.fact("no_slot", row.ref, "slots", now)]
    facts = [
        tracker.fact("slot_order", row.ref, "orders", now),
        tracker.fact("offered", ",".join(_coded(slot, tz) for slot in chosen), "slots", now),
    ]
    if costs:
        lines = [(*_coded(slot, tz).split("@"), slot.vehicle, money.say(slot.cost_cents)) for slot in chosen]
        facts.append(tracker.fact("table", shown.table(("day", "time", "van", "cost"), lines), "slots", now))
    return facts


def _coded(slot: Slot, tz: ZoneInfo) -> str:
    return f"{slot.day.isoformat()}@{slot.lo.astimezone(tz):%H:%M}-{slot.hi.astimezone(tz):%H:%M}"


def _suits(slot: Slot, tz: ZoneInfo, args: Mapping[str, str]) -> bool:
    lo, hi = (f"{end.astimezone(tz):%H:%M}" for end in (slot.lo, slot.hi))
    return lo >= args.get("after", "00:00") and hi <= args.get("before", "24:00")
