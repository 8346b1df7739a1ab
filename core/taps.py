"""What a driver's tap means: custody, order status, the van's state, promises kept or broken.

A tap is a fact and is always kept; what it *changes* depends on what is known by then. Late and reordered taps change
only what they still can. A tap that contradicts custody is refused with the reason, and nothing moves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from core import (
    attempts,
    breakdowns,
    carriage,
    cases,
    custody,
    driving,
    events,
    fetching,
    findings,
    fleet,
    orders,
    promises,
    proofs,
    rests,
    scans,
    skips,
    transfers,
    vans,
)
from core.errors import BadInput, DoorstepError, WrongState
from core.events import Event

AHEAD = timedelta(minutes=5)
"""How far a device's clock may run ahead of ours."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""A fact from before is a clock that was never set."""


def take(db: Connection, fact: Event, now: datetime) -> str:
    """Write a tap down and do what it means: `accepted` or `duplicate`. Raises DoorstepError when it can't be true."""
    if fact.kind not in TAPS:
        raise BadInput(f"There is no tap {fact.kind!r}.", f"Use one of {', '.join(sorted(TAPS))}.", field="kind")
    if fact.at > now + AHEAD:
        raise BadInput(f"{fact.at.isoformat()} is in the future.", "Set the device's clock.", field="at")
    if fact.at < EARLIEST:
        raise BadInput(f"{fact.at.isoformat()} is long past.", "Set the device's clock.", field="at")
    if fact.vehicle_id is None:
        raise BadInput("A tap needs its vehicle.", "Send `vehicle`.", field="vehicle")
    van = vans.ensure(db, fact.vehicle_id, fact.at)
    with db.begin_nested() as point:
        if not events.append(db, _without_what_is_personal(fact), now):
            return "duplicate"
        try:
            TAPS[fact.kind](db, fact, van)
            _it_moves(db, fact, van)
            if fact.kind in driving.COUNTED:
                driving.count(db, van.vehicle_id)
        except DoorstepError:
            point.rollback()
            raise
    return "accepted"


def _it_moves(db: Connection, fact: Event, van: Row[Any]) -> None:
    """A van that was broken and does something else now has been repaired, whether its driver said so or not."""
    stood = ("broken", *vans.AT_DEPOT)
    if van.state in stood and vans.ensure(db, van.vehicle_id, fact.at).state not in stood:
        breakdowns.end(db, van.vehicle_id, fact.at)


def _without_what_is_personal(fact: Event) -> Event:
    """The fact as it is kept: of a proof its kind and hash, of a failed attempt the code of its reason. Notes and
    places are personal and live in `proof`, `attempt` and `breakdown`."""
    if fact.kind == "driver.breakdown":
        kept = {name: fact.data[name] for name in ("reason", "minutes") if name in fact.data}
        return fact.model_copy(update={"data": kept})
    if fact.kind == "driver.failed":
        kept = {name: value for name, value in fact.data.items() if name not in ("reason", "note")}
        return fact.model_copy(update={"data": {**kept, "reason": attempts.read(dict(fact.data))[0]}})
    if "proof" not in fact.data:
        return fact
    return fact.model_copy(update={"data": {**fact.data, "proof": proofs.impersonal(fact.data["proof"])}})


def _started(db: Connection, fact: Event, van: Row[Any]) -> None:
    """The driver is there. That it was said is what counts: see `tools.attendance`."""


def _departed(db: Connection, fact: Event, van: Row[Any]) -> None:
    tz = fleet.get_depot(db, fleet.get_vehicle(db, van.vehicle_id).depot_id).tz
    at_home = van.state == "idle" or (van.state == "finished" and fact.at >= van.state_at)
    if at_home and vans.local_day(fact.at, tz) == van.day:
        scans.missing(db, fact, van)
        vans.head_on(db, van, fact.at, last=None)


def _arrived(db: Connection, fact: Event, van: Row[Any]) -> None:
    here = orders.at_stop(db, fact.subject)
    meeting = None if here else transfers.get(db, fact.subject)
    if not here and meeting is None:
        raise BadInput(f"There is no stop {fact.subject}.", "Read the route again.", field="stop")
    for row in here:
        if custody.van_of(db, row.id) == van.vehicle_id:
            promises.settle(db, row.id, fact.at)
    if fact.at < van.state_at:
        return
    if any(row.status in orders.OPEN for row in here) or (meeting is not None and meeting.status == "open"):
        vans.set_state(db, van.vehicle_id, "serving", fact.at, stop_id=fact.subject, last_stop_id=fact.subject)
    else:  # its orders were cancelled or moved while the van was on its way
        vans.head_on(db, van, fact.at, last=fact.subject)


def _served(db: Connection, fact: Event, van: Row[Any], row: Row[Any], status: str) -> None:
    promises.settle(db, row.id, fact.at)
    orders.set_status(db, [row.id], status)
    if van.state == "broken" or any(r.status in orders.OPEN for r in orders.at_stop(db, row.stop_id)):
        return
    if fact.at >= van.state_at:
        vans.head_on(db, van, fact.at, last=row.stop_id)
    elif van.stop_id == row.stop_id:  # a late tap of the stop that it heads for: there is nothing left to do
        vans.head_on(db, van, van.state_at, last=van.last_stop_id)


def _delivered(db: Connection, fact: Event, van: Row[Any]) -> None:
    row = orders.get(db, fact.subject)
    if row.status == "delivered":
        raise WrongState(f"Order {row.ref} was delivered before.", "Nothing to do.", field="order")
    if row.kind == "service":
        _serviced(db, fact, van, row)
        return
    if row.kind in orders.FROM_CUSTOMER:
        raise WrongState(f"Order {row.ref} is a {row.kind}.", "Tap fetched when its goods are aboard.", field="order")
    seen = proofs.read(db, row, fact.data.get("proof"))
    if row.status not in ("out", "failed"):
        raise WrongState(f"Order {row.ref} is {row.status}.", "Bring it back to the depot.", field="order")
    frm = custody.on_van(van.vehicle_id)
    aboard = {made for made, holder in custody.parcels(db, row.id).items() if holder == frm}
    if labels := proofs.labels(seen):
        aboard &= {custody.parcel_id(row.id, label) for label in labels}
    # some of its parcels may have been missed at the depot; with none aboard the record has all of it elsewhere
    custody.move(db, row.id, frm, custody.with_customer(row.person_id), fact.at, fact.key, aboard or None)
    if any(holder == frm for holder in custody.parcels(db, row.id).values()):
        scans.open_case(db, row.id, row.depot_id, row.day, "door", [row.id], fact.at, vehicle=van.vehicle_id)
    proofs.keep(db, row, seen, fact)
    _served(db, fact, van, row, "delivered")


def _serviced(db: Connection, fact: Event, van: Row[Any], row: Row[Any]) -> None:
    """A job without goods is done."""
    if row.status not in ("planned", "failed"):
        raise WrongState(f"Order {row.ref} is {row.status}.", "Nothing to do.", field="order")
    proofs.keep(db, row, proofs.read(db, row, fact.data.get("proof")), fact)
    _served(db, fact, van, row, "delivered")


def _fetched(db: Connection, fact: Event, van: Row[Any]) -> None:
    row = fetching.fetch(db, fact, van)
    _served(db, fact, van, row, fetching.FETCHED)


def _failed(db: Connection, fact: Event, van: Row[Any]) -> None:
    row = orders.get(db, fact.subject)
    brought = row.kind in orders.BROUGHT
    if row.status != ("out" if brought else "planned"):
        raise WrongState(f"Order {row.ref} is {row.status}.", "Only an order that is out can fail.", field="order")
    if brought and custody.van_of(db, row.id) != van.vehicle_id:
        raise WrongState(f"Order {row.ref} is not on {van.vehicle_id}.", "Scan it where it is first.", field="order")
    if not fact.data.get("reason"):
        codes = ", ".join(attempts.REASONS)
        raise BadInput("The failed attempt has no reason.", f"Send one of {codes}.", field="data.reason")
    code = attempts.keep(db, row.id, dict(fact.data), fact.at, fact.key)
    _served(db, fact, van, row, "failed")
    facts = {"order": row.id, "stop": row.stop_id, "vehicle": van.vehicle_id, "reason": str(fact.data["reason"])[:80]}
    kind = "damage" if code == "damaged" else attempts.CASE
    cases.open_or_join(db, kind, row.id, row.depot_id, row.day, facts | _photo(fact), fact.at)


def _photo(fact: Event) -> dict[str, str]:
    """The digest of a picture that the driver took; the picture itself stays with whoever keeps it."""
    sha256 = fact.data.get("photo")
    return {"photo": sha256} if isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256) else {}


def _finished(db: Connection, fact: Event, van: Row[Any]) -> None:
    """Back at the depot: see `scans.unload`. While the shift lasts the van can be sent out again.

    One that comes late, from before what the van does now, changes nothing: what was loaded since stays aboard.
    """
    if fact.at < van.state_at:
        return
    scans.unload(db, fact, van)
    vans.set_state(db, van.vehicle_id, "finished", fact.at, stop_id=None)
    cases.wake_held(db, fleet.get_vehicle(db, van.vehicle_id).depot_id, van.day)


TAPS: dict[str, Callable[[Connection, Event, Row[Any]], None]] = {
    "driver.loaded": scans.load,
    "driver.departed": _departed,
    "driver.arrived": _arrived,
    "driver.delivered": _delivered,
    "driver.fetched": _fetched,
    "driver.failed": _failed,
    "driver.started": _started,
    "driver.skipped": skips.skip,
    "driver.break_started": rests.begin,
    "driver.break_ended": rests.end,
    "driver.breakdown": breakdowns.begin,
    "driver.repaired": breakdowns.over,
    "driver.gave": transfers.given,
    "driver.gave_to_carrier": carriage.hand_over,
    "driver.took": transfers.taken,
    "driver.finished": _finished,
    "driver.answered": findings.answered,
}
