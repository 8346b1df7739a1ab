"""Many stops late by one cause are one case: who is newly late at one judgement folds into an incident.

A cause that somebody declared takes everybody who is late after it; undeclared, eight stops that turn late at once are
one: of a van when one van has them all, else of the depot. Its members are written down and point at it; none is worked
alone. Who turns late while its case is still open joins it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from core import cases, incidents, orders, scans
from core.clock import iso
from core.store.tables import case, message, order, promise, van
from tools.problems import Ground

MANY = 8
"""stops that turn late at one judgement and then have one cause"""
MANY_VANS = 3
"""vans on the road whose stops turn late at once: it is the roads"""
DECLARED_MANY = 2
"""the same, after somebody has told us of a cause"""
STILL_OPEN = ("open", "diagnosed", "weighed", "waiting", "approved")
"""statuses in which a stop can still join: nothing has been said to anybody"""
SHOWN = ("waiting", "approved")
"""A person has the proposal before them: whoever joins now waits for the next one, and this one stays as it is."""

OVER = "incident_over"
LATE_KINDS = ("predicted_late", "promise_at_risk")
SOONER = timedelta(minutes=10)
"""who is expected this much before the time that they were told is told again"""

Late = Mapping[str, Mapping[str, Any]]
"""stop -> facts of its case: vehicle, due, expected"""


def open_cases(db: Connection, here: Ground, late: Late, now: datetime) -> list[str]:
    """Open a case for each stop newly judged late, or one for all of them. Returns the ids of new cases to work."""
    late = _not_left_behind(db, here, _not_broken_down(db, here, late, now), now)
    if not late:
        return []
    found = _joined(db, here, late, now)
    if found is None:
        found = _new(db, here, late, now)
    if found is None:
        return _one_by_one(db, here, late, now)
    case_id, new = found
    for stop, facts in sorted(late.items()):
        cases.fold(db, kind_of(facts), stop, here.depot_id, here.day, facts, case_id, now)
    return [case_id] if new else []


def kind_of(facts: Mapping[str, Any]) -> str:
    """Late for the time that we told, but within the customer's own window, is less than late for both."""
    return "promise_at_risk" if facts.get("window_holds") else "predicted_late"


def _not_broken_down(db: Connection, here: Ground, late: Late, now: datetime) -> Late:
    """Stops of a van that broke down are worked in that van's case, while it is open."""
    standing = cases.open_of_kind(db, "breakdown", list(_vehicles(late)))
    for stop, facts in sorted(late.items()):
        if facts["vehicle"] in standing:
            into = standing[facts["vehicle"]]
            cases.fold(db, "predicted_late", stop, here.depot_id, here.day, facts, into, now)
    return {stop: facts for stop, facts in late.items() if facts["vehicle"] not in standing}


def _not_left_behind(db: Connection, here: Ground, late: Late, now: datetime) -> Late:
    """Stops whose goods did not leave with their van: a person looks for them, and nobody is told a time until then."""
    found = cases.open_of_kind(db, scans.KIND, [f"{vehicle}:{here.day}" for vehicle in _vehicles(late)])
    into: dict[str, str] = {}
    for case_id in found.values():
        facts = cases.get(db, case_id).facts
        if facts["what"] == "left_behind":
            into |= {orders.get(db, order_id).stop_id: case_id for order_id in facts["orders"]}
    for stop in sorted(late.keys() & into.keys()):
        cases.fold(db, kind_of(late[stop]), stop, here.depot_id, here.day, late[stop], into[stop], now)
    return {stop: facts for stop, facts in late.items() if stop not in into}


def worked(db: Connection, here: Ground) -> set[str]:
    """The late stops that somebody is working on, alone or as part of an incident."""
    query = select(case.c.subject).where(
        case.c.kind.in_(LATE_KINDS), case.c.depot_id == here.depot_id, case.c.day == here.day,
        case.c.closed_at.is_(None),
    )  # fmt: skip
    return set(db.execute(query).scalars())


def _one_by_one(db: Connection, here: Ground, late: Late, now: datetime) -> list[str]:
    opened = []
    for stop, facts in sorted(late.items()):
        case_id, new = cases.open_or_join(db, kind_of(facts), stop, here.depot_id, here.day, facts, now)
        if new:
            opened.append(case_id)
    return opened


def _joined(db: Connection, here: Ground, late: Late, now: datetime) -> tuple[str, bool] | None:
    """The open incident takes the newcomers in. While it is being weighed it is weighed again with them; once its
    proposal is before a person, that one stays, and the newcomers are the next one's (`next_batch`)."""
    query = select(case).where(
        case.c.kind == "incident", case.c.depot_id == here.depot_id, case.c.day == here.day,
        case.c.status.in_(STILL_OPEN),
    )  # fmt: skip
    row = db.execute(query.order_by(case.c.opened_at, case.c.id).limit(1).with_for_update()).one_or_none()
    if row is None or not _same_cause(row, late):
        return None
    if row.status in SHOWN:
        facts = dict(row.facts) | {"joined": sorted({*row.facts.get("joined", []), *late})}
        cases.advance(db, row, row.status, facts=facts)
        return row.id, False
    cases.advance(db, row, "open", facts=_with(row.facts, late, _vehicles(late)))
    cases.work(db, row.id)
    return row.id, False


def _with(facts: Mapping[str, Any], late: Iterable[str], vehicles: Iterable[str]) -> dict[str, Any]:
    both = {"stops": sorted({*facts["stops"], *late}), "vehicles": sorted({*facts["vehicles"], *vehicles})}
    return dict(facts) | both


def hit(facts: Mapping[str, Any]) -> set[str]:
    """Every stop that an incident's case is about by now."""
    return {*facts["stops"], *facts.get("joined", [])}


def next_batch(db: Connection, row: Row[Any], late: AbstractSet[str], now: datetime) -> str | None:
    """When an incident has been carried out: who joined after its proposal was shown, was not told by it and is `late`
    still, is one case of the same cause again. Returns it."""
    asked = cases.open_proposal(db, row.id)
    told = set(asked.args["retold"]) if asked is not None else set()
    stops = sorted(set(row.facts.get("joined", [])) & late - told)
    if not stops:
        return None
    subject = f"{row.facts.get('first', row.subject)}:{iso(now)}"
    facts = {name: value for name, value in row.facts.items() if name in ("cause", "vehicles")}
    facts |= {"stops": stops, "first": row.facts.get("first", row.subject)}
    made, _ = cases.open_or_join(db, "incident", subject, row.depot_id, row.day, facts, now)
    cases.refold(db, row.id, stops, made)
    return made


def _same_cause(row: Row[Any], late: Late) -> bool:
    """One van's trouble takes in that van's stops only."""
    return row.facts["cause"] != "van" or set(_vehicles(late)) <= set(row.facts["vehicles"])


def _new(db: Connection, here: Ground, late: Late, now: datetime) -> tuple[str, bool] | None:
    declared = _not_worked(db, here, now)
    vehicles = _vehicles(late)
    if declared is not None and len(late) >= DECLARED_MANY:
        subject, cause = declared.id, str(declared.said.kind)
    elif len(late) >= MANY:
        cause = _detected(db, here, vehicles)
        subject = f"van:{vehicles[0]}" if cause == "van" else f"depot:{here.depot_id}"
        subject = f"{subject}:{iso(now)}"
    else:
        return None
    facts = {"cause": cause, "stops": sorted(late), "vehicles": vehicles}
    return cases.open_or_join(db, "incident", subject, here.depot_id, here.day, facts, now)


def _detected(db: Connection, here: Ground, vehicles: Sequence[str]) -> str:
    """What many stops that turn late at once have in common: their van; vans that have not left (`depot_late`); several
    vans on the road (`roads`: weather or traffic); else no more than their depot."""
    if len(vehicles) == 1:
        return "van"
    query = select(van.c.vehicle_id).where(
        van.c.vehicle_id.in_(vehicles), van.c.day == here.day, van.c.state.in_(["driving", "serving"])
    )
    out = len(db.execute(query).all())
    if out == 0:
        return "depot_late"
    return "roads" if out >= MANY_VANS else "depot"


def _not_worked(db: Connection, here: Ground, now: datetime) -> incidents.Incident | None:
    """The newest declared cause that lasts and has had no case yet: each is proposed once."""
    for incident in reversed(incidents.lasting(db, here.depot_id, here.day, now)):
        had = select(case.c.id).where(case.c.kind == "incident", case.c.subject == incident.id)
        if db.execute(had.limit(1)).one_or_none() is None:
            return incident
    return None


def _vehicles(late: Late) -> Sequence[str]:
    return sorted({str(facts["vehicle"]) for facts in late.values()})


# When it is over ------------------------------------------------------------------------------------------------------


def settle(db: Connection, here: Ground, late: AbstractSet[str], now: datetime) -> None:
    """Close the cases that wait for a person and are about nobody who is `late` still."""
    query = select(case.c.id).where(
        case.c.kind.in_(["incident", *LATE_KINDS]), case.c.depot_id == here.depot_id, case.c.day == here.day,
        case.c.status == "waiting",
    )  # fmt: skip
    for case_id in db.execute(query.order_by(case.c.id)).scalars().all():
        row = cases.get(db, case_id, lock=True)
        about = hit(row.facts) if row.kind == "incident" else {row.subject}
        if row.status == "waiting" and not about & late:
            cases.advance(db, row, "closed", closed_at=now, reason_code="on_time_again")


def after_the_end(db: Connection, here: Ground, expected: Mapping[str, datetime], now: datetime) -> list[str]:
    """An incident that somebody has ended before its time: all who were told a later time because of it, and whose stop
    is `expected` before that now, are one case, once. Returns the cases."""
    opened = []
    for incident in incidents.of_day(db, here.depot_id, here.day):
        if incident.ended is None or _was_told(db, incident.id):
            continue
        told = _told_later(db, here, incident.id)
        sooner = sorted(s for s, lo in told.items() if s in expected and expected[s] < lo - SOONER)
        if sooner:
            facts = {"stops": sooner, "incident_ended": iso(incident.ended)}
            opened.append(cases.open_or_join(db, OVER, incident.id, here.depot_id, here.day, facts, now)[0])
    return opened


def _was_told(db: Connection, incident_id: str) -> bool:
    had = select(case.c.id).where(case.c.kind == OVER, case.c.subject == incident_id)
    return db.execute(had.limit(1)).one_or_none() is not None


def _told_later(db: Connection, here: Ground, incident_id: str) -> dict[str, datetime]:
    """Stop -> when the time begins that an incident's case has told there, and that holds still."""
    mine = (case.c.subject == incident_id) | (case.c.facts["first"].astext == incident_id)
    query = (
        select(order.c.stop_id, promise.c.lo)
        .join(promise, promise.c.order_id == order.c.id)
        .join(message, message.c.id == promise.c.message_id)
        .join(case, case.c.id == message.c.case_id)
        .where(case.c.kind == "incident", mine, promise.c.status == "open", message.c.template == "retell")
    )
    found: dict[str, datetime] = {}
    for row in db.execute(query):
        found[row.stop_id] = max(row.lo, found.get(row.stop_id, row.lo))
    return found
