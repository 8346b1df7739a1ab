"""Tool: which van somebody means by a half-remembered name, and how it is doing. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from core.store.tables import driver, person, vehicle
from tools import tracker
from tools.orders_asked import like

SHORTEST = 4
"""letters that a misspelt name must have to be guessed at"""


def look(db: Connection, args: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """The one van or driver that `about` names: state, stops left and late. Several, or none, come as `vans` to choose
    from and `no_van`."""
    ids = meant(db, args.get("about", ""))
    if not ids:
        return [tracker.fact("no_van", args.get("about", "")[:40] or "that van", "fleet", now)]
    if len(ids) > 1:
        return [tracker.fact("vans", ", ".join(ids), "fleet", now)]
    found = next((row for row in tracker.fleet_now(db, now) if row["id"] == ids[0]), None)
    figures: dict[str, str | int] = {"van": ids[0], "van_state": "not out" if found is None else str(found["state"])}
    counts = {"stops_left": 0, "late_stops": 0}
    if found is not None:
        counts = {"stops_left": int(found["stops_left"]), "late_stops": len(found["late"])}
    return [tracker.fact(name, value, f"van {ids[0]}", now) for name, value in (figures | counts).items()]


def meant(db: Connection, about: str) -> list[str]:
    """The vans that this may mean, by what they or their drivers are called; else by a name that is spelt much like
    it."""
    said = _plain(about)
    rows = db.execute(
        select(vehicle.c.id, vehicle.c.name, vehicle.c.driver_id, person.c.name.label("driver"))
        .outerjoin(driver, driver.c.id == vehicle.c.driver_id)
        .outerjoin(person, person.c.id == driver.c.person_id)
        .order_by(vehicle.c.id)
    ).all()
    called = {row.id: _called(row) for row in rows}
    found = [van for van, names in called.items() if said and said in names]
    if found or len(said) < SHORTEST or not said.isalpha():
        return found
    close = like({said}, {name for names in called.values() for name in names if name.isalpha()})
    return [van for van, names in called.items() if close and close[said] & names]


def _called(row: Row[Any, Any, Any, Any]) -> set[str]:
    """All that a van may be called: its id, name, number, its driver's id and names."""
    names = {part for name in (row.name, row.driver) for part in (name or "").split()}
    return {_plain(said) for said in (row.id, row.name or "", row.driver_id, *names)} | {_number(row.id)}


def _plain(text: str) -> str:
    """ "Van 07", "V-7" and "van 7" are one."""
    words = re.findall(r"[a-z]+|[0-9]+", text.casefold())
    kinds = {"van", "truck", "unit", "v", "vehicle", "the"}
    return "".join(word.lstrip("0") or word for word in words if word not in kinds)


def _number(van_id: str) -> str:
    digits = re.findall(r"[0-9]+", van_id)
    return digits[-1].lstrip("0") if digits else ""
