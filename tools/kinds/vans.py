"""Kinds of case about one van (`tools.balance`): it will overrun its shift, is to carry too much, or is far ahead.
And the end of an incident, after which vans come sooner than was told.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import clock, fleet, plans, promises
from optimizer.options import Scope
from tools.kinds.kind import Kind


def _van(db: Connection, row: Row[Any]) -> Scope:
    """The van, its stops that may move, and from when on the customers on its list expect it."""
    current = plans.current(db, row.depot_id, row.day)
    listed = current.routes[row.subject].stops if current and row.subject in current.routes else ()
    return Scope(vehicle=row.subject, stops=tuple(row.facts["stops"]), not_before=told_from(db, row, listed))


def told_from(db: Connection, row: Row[Any], stops: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Of these stops, those whose customers were told a time, with its beginning in seconds since the day's midnight;
    of several customers at a door, the last beginning."""
    t0 = clock.midnight(row.day, fleet.get_depot(db, row.depot_id).tz)
    told = promises.open_by_stop(db, stops)
    begins = {stop: max(promise.lo for promise in found) for stop, found in told.items()}
    return tuple((stop, int((lo - t0).total_seconds())) for stop, lo in sorted(begins.items()))


def _told_late(db: Connection, row: Row[Any]) -> Scope:
    """Who was told a later time by an incident that is over: from when on they expect the van."""
    return Scope(not_before=told_from(db, row, tuple(row.facts["stops"])))


KINDS: dict[str, Kind] = {
    "route_imbalance": Kind(
        ("wait", "rebalance"),
        actions={"wait": "overrun", "rebalance": "reassign"},
        scope=_van,
        known=("ends", "shift_end"),
    ),
    "over_capacity": Kind(
        ("wait", "rebalance"),
        actions={"wait": "overload", "rebalance": "reassign"},
        scope=_van,
        known=("overload",),
    ),
    "early": Kind(
        ("wait", "pull_ahead", "tell_earlier"),
        actions={"pull_ahead": "resequence"},
        scope=_van,
        known=("waits_min",),
    ),
    "incident_over": Kind(("wait", "tell_earlier"), scope=_told_late),
}
