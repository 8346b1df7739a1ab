"""Many stops late by one cause are one case: who is newly late at one judgement folds into an incident.

A cause that somebody declared takes everybody who is late after it; undeclared, eight stops that turn late at once are
one: of a van when one van has them all, else of the depot. Its members are written down and point at it; none is worked
alone. Who turns late while its case is still open joins it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from core import cases, incidents
from core.clock import iso
from core.store.tables import case
from tools.problems import Ground

MANY = 8
"""stops that turn late at one judgement and then have one cause"""
DECLARED_MANY = 2
"""the same, after somebody has told us of a cause"""
STILL_OPEN = ("open", "diagnosed", "weighed", "waiting")
"""statuses in which a stop can still join: nothing has been said to anybody"""

Late = Mapping[str, Mapping[str, Any]]
"""stop -> facts of its case: vehicle, due, expected"""


def open_cases(db: Connection, here: Ground, late: Late, now: datetime) -> list[str]:
    """Open a case for each stop newly judged late, or one for all of them. Returns the ids of new cases to work."""
    late = _not_broken_down(db, here, late, now)
    if not late:
        return []
    found = _joined(db, here, late, now)
    if found is None:
        found = _new(db, here, late, now)
    if found is None:
        return _one_by_one(db, here, late, now)
    case_id, new = found
    for stop, facts in sorted(late.items()):
        cases.fold(db, "predicted_late", stop, here.depot_id, here.day, facts, case_id, now)
    return [case_id] if new else []


def _not_broken_down(db: Connection, here: Ground, late: Late, now: datetime) -> Late:
    """Stops of a van that broke down are worked in that van's case, while it is open."""
    standing = cases.open_of_kind(db, "breakdown", list(_vehicles(late)))
    for stop, facts in sorted(late.items()):
        if facts["vehicle"] in standing:
            into = standing[facts["vehicle"]]
            cases.fold(db, "predicted_late", stop, here.depot_id, here.day, facts, into, now)
    return {stop: facts for stop, facts in late.items() if facts["vehicle"] not in standing}


def worked(db: Connection, here: Ground) -> set[str]:
    """The late stops that somebody is working on, alone or as part of an incident."""
    query = select(case.c.subject).where(
        case.c.kind == "predicted_late", case.c.depot_id == here.depot_id, case.c.day == here.day,
        case.c.closed_at.is_(None),
    )  # fmt: skip
    return set(db.execute(query).scalars())


def _one_by_one(db: Connection, here: Ground, late: Late, now: datetime) -> list[str]:
    opened = []
    for stop, facts in sorted(late.items()):
        case_id, new = cases.open_or_join(db, "predicted_late", stop, here.depot_id, here.day, facts, now)
        if new:
            opened.append(case_id)
    return opened


def _joined(db: Connection, here: Ground, late: Late, now: datetime) -> tuple[str, bool] | None:
    """The incident that is being weighed already takes the newcomers in, and is weighed again with them."""
    query = select(case).where(
        case.c.kind == "incident", case.c.depot_id == here.depot_id, case.c.day == here.day,
        case.c.status.in_(STILL_OPEN),
    )  # fmt: skip
    row = db.execute(query.order_by(case.c.opened_at, case.c.id).limit(1).with_for_update()).one_or_none()
    if row is None or not _same_cause(row, late):
        return None
    stops = sorted({*row.facts["stops"], *late})
    vehicles = sorted({*row.facts["vehicles"], *_vehicles(late)})
    cases.advance(db, row, "open", facts=dict(row.facts) | {"stops": stops, "vehicles": vehicles})
    cases.work(db, row.id)
    return row.id, False


def _same_cause(row: Row[Any], late: Late) -> bool:
    """One van's trouble takes in that van's stops only."""
    return row.facts["cause"] != "van" or set(_vehicles(late)) <= set(row.facts["vehicles"])


def _new(db: Connection, here: Ground, late: Late, now: datetime) -> tuple[str, bool] | None:
    declared = _not_worked(db, here, now)
    vehicles = _vehicles(late)
    if declared is not None and len(late) >= DECLARED_MANY:
        subject, cause = declared.id, str(declared.said.kind)
    elif len(late) >= MANY:
        one = len(vehicles) == 1
        subject = f"van:{vehicles[0]}" if one else f"depot:{here.depot_id}"
        subject, cause = f"{subject}:{iso(now)}", "van" if one else "depot"
    else:
        return None
    facts = {"cause": cause, "stops": sorted(late), "vehicles": vehicles}
    return cases.open_or_join(db, "incident", subject, here.depot_id, here.day, facts, now)


def _not_worked(db: Connection, here: Ground, now: datetime) -> incidents.Incident | None:
    """The newest declared cause that lasts and has had no case yet: each is proposed once."""
    for incident in reversed(incidents.lasting(db, here.depot_id, here.day, now)):
        had = select(case.c.id).where(case.c.kind == "incident", case.c.subject == incident.id)
        if db.execute(had.limit(1)).one_or_none() is None:
            return incident
    return None


def _vehicles(late: Late) -> Sequence[str]:
    return sorted({str(facts["vehicle"]) for facts in late.values()})
