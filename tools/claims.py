"""Goods that a customer misses though they were delivered, or that are damaged: what is known, and what is done.

Show what proves the delivery, ask the driver, bring a new one, take the old one back, or take the claim up: money and
goods are a person's to give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from core import canonical, clock, custody, events, fleet, orders, principals, threads, vans
from core.clock import iso
from core.errors import Stale
from core.events import Event
from core.store.tables import case, message, order, parcel, van
from core.store.tables import proof as proof_table
from optimizer.circumstances import Claim
from tools.job import Job
from tools.next_attempt import next_attempt
from tools.notify import templates, texts
from tools.telling import say

KINDS = ("missing_delivery", "damage")
LOOK_BACK = timedelta(days=90)
"""claims of a customer's that count as earlier ones"""


# What is known --------------------------------------------------------------------------------------------------------


def known(db: Connection, row: Row[Any]) -> Claim:
    """The counted facts that a claim is priced from."""
    mine = orders.get(db, row.facts["order"])
    found = _proof(db, mine.id)
    return Claim(
        proof=found is not None,
        metres=found.metres_away if found is not None else None,
        shown=_was_told(db, mine.id, "proof_shown"),
        askable="driver_asked" not in row.facts and _on_the_road(db, mine) is not None,
        said=str(row.facts.get("driver_said", "")),
        aboard=custody.van_of(db, mine.id) is not None,
    )


def evidence(db: Connection, row: Row[Any]) -> list[dict[str, Any]]:
    """What whoever decides has before them, each figure with its source: ids, times, counts and codes only."""
    mine, at = orders.get(db, row.facts["order"]), iso(row.opened_at)
    facts = [{"name": "earlier_claims", "value": earlier(db, row), "source": "cases", "at": at}]
    found = _proof(db, mine.id)
    if found is not None:
        about = {"proof": found.kind, "proof_at": iso(found.at), "proof_metres_away": found.metres_away}
        about |= {"proof_sha256": found.sha256}
        source = f"proof {found.id}"
        facts += [
            {"name": n, "value": v, "source": source, "at": iso(found.at)} for n, v in about.items() if v is not None
        ]
    done = _delivered(db, mine.id)
    if done is not None:
        facts.append({"name": "van", "value": done.vehicle_id, "source": f"event {done.key}", "at": iso(done.at)})
        facts += _stood(db, mine.stop_id, done)
    told = {name: row.facts[name] for name in ("driver_said", "photo") if name in row.facts}
    return facts + [{"name": n, "value": v, "source": f"case {row.id}", "at": at} for n, v in told.items()]


def earlier(db: Connection, row: Row[Any]) -> int:
    """How many claims the same customer has made before, in three months."""
    person_id = orders.get(db, row.facts["order"]).person_id
    query = (
        select(func.count())
        .select_from(case)
        .join(order, order.c.id == case.c.subject)
        .where(case.c.kind.in_(KINDS), order.c.person_id == person_id, case.c.id != row.id)
        .where(case.c.opened_at < row.opened_at, case.c.opened_at > row.opened_at - LOOK_BACK)
    )
    return int(db.execute(query).scalar_one())


def _proof(db: Connection, order_id: str) -> Row[Any] | None:
    query = select(proof_table).where(proof_table.c.order_id == order_id).order_by(proof_table.c.at.desc())
    return db.execute(query.limit(1)).one_or_none()


def _delivered(db: Connection, order_id: str) -> Row[Any] | None:
    return next((fact for fact in reversed(events.of(db, order_id)) if fact.kind == "driver.delivered"), None)


def _stood(db: Connection, stop_id: str, done: Row[Any]) -> list[dict[str, Any]]:
    """How long the van stood at the door, by its positions."""
    left = [f for f in events.of(db, stop_id) if f.kind == "stop.left" and f.vehicle_id == done.vehicle_id]
    return [
        {"name": "stood_s", "value": f.data["dwell_s"], "source": f"event {f.key}", "at": iso(f.at)} for f in left[-1:]
    ]


def _was_told(db: Connection, order_id: str, template: str) -> bool:
    mine = (message.c.order_id == order_id) & (message.c.template == template)
    return db.execute(select(message.c.id).where(mine).limit(1)).one_or_none() is not None


def _on_the_road(db: Connection, mine: Row[Any]) -> str | None:
    """The driver who delivered it, while they are out that day."""
    done = _delivered(db, mine.id)
    if done is None:
        return None
    out = (van.c.vehicle_id == done.vehicle_id) & (van.c.day == mine.day) & (van.c.state != "finished")
    if db.execute(select(van.c.vehicle_id).where(out)).one_or_none() is None:
        return None
    return str(fleet.get_vehicle(db, done.vehicle_id).driver_id)


# What is done ---------------------------------------------------------------------------------------------------------


def show_proof(job: Job) -> dict[str, Any]:
    """Tell the customer when it was delivered, what proves it and how far from their address."""
    mine = _mine(job)
    found, done = _proof(job.db, mine.id), _delivered(job.db, mine.id)
    assert found is not None
    words = templates.words("proof", texts.language(job.db, mine))[found.kind]
    at = (done.at if done is not None else found.at).astimezone(job.tz)
    say(job, mine, "proof_shown", order=mine.ref, at=f"{at:%H:%M}", proof=words, metres=str(found.metres_away))
    return {"told": [mine.id]}


def tell_found(job: Job) -> dict[str, Any]:
    """Tell the customer what the driver says, in our words for it."""
    mine = _mine(job)
    words = templates.words("found", texts.language(job.db, mine))[str(job.case.facts["driver_said"])]
    say(job, mine, "found", order=mine.ref, found=words)
    return {"told": [mine.id]}


def ask_driver(job: Job) -> dict[str, Any]:
    """A line in the driver's conversation; the answer is a tap. The case waits for it."""
    mine = _mine(job)
    driver = _on_the_road(job.db, mine)
    if driver is None:
        return {}
    text, who = templates.render("ask_driver_where", order=mine.ref), principals.ensure(job.db, "driver", driver)
    return {"asked": threads.open_of(job.db, who, job.now).say("out", text, job.now, job.case.id)[0]}


def redeliver(job: Job) -> dict[str, Any]:
    """The same once more on the next day, under a reference of its own; the sender puts a new one at the depot."""
    mine = _mine(job)
    made = _another(job, mine, kind=mine.kind, holder=custody.at_depot(mine.depot_id))
    say(job, mine, "replaced", order=mine.ref, day=_next_day(job).isoformat())
    return {"made": made, "told": [mine.id]} | _claimed(job, mine)


def bring_back(job: Job) -> dict[str, Any]:
    """Damaged goods go back: with the van that has them, or fetched from the customer the next day."""
    mine = _mine(job)
    if custody.van_of(job.db, mine.id) is not None:
        say(job, mine, "going_back", order=mine.ref)
        return {"told": [mine.id]}
    made = _another(job, mine, kind="return", holder=custody.with_customer(mine.person_id))
    say(job, mine, "fetched", order=mine.ref, day=_next_day(job).isoformat())
    return {"made": made, "told": [mine.id]}


def take_up(job: Job) -> dict[str, Any]:
    """The claim is the client's to settle: it is a fact of the order that its system reads, and the customer knows."""
    mine = _mine(job)
    say(job, mine, "claim_taken", order=mine.ref)
    return {"told": [mine.id]} | _claimed(job, mine)


ACTIONS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "show_proof": show_proof,
    "tell_found": tell_found,
    "ask_driver": ask_driver,
    "redeliver": redeliver,
    "bring_back": bring_back,
    "claim": take_up,
}


def _mine(job: Job) -> Row[Any]:
    return orders.get(job.db, job.case.facts["order"])


def _claimed(job: Job, mine: Row[Any]) -> dict[str, Any]:
    fact = Event(
        key=f"order.claimed:{job.case.id}", kind="order.claimed", source="casework", subject=mine.id, at=job.now,
        data={"case": job.case.id, "kind": job.case.kind},
    )  # fmt: skip
    events.append(job.db, fact, job.now)
    return {"claimed": [mine.id]}


def _next_day(job: Job) -> date:
    """The day after today, not after the delivery: a claim may come late."""
    return vans.local_day(job.now, job.tz.key) + timedelta(days=1)


def _another(job: Job, mine: Row[Any], *, kind: str, holder: str) -> dict[str, str]:
    """A new order at the same door, at the same times of the day; returns {old id: new id}."""
    ref, made = next_attempt(job.db, mine)
    day = _next_day(job)
    shift = timedelta(days=(day - mine.day).days)

    def same_time(text: str) -> str:
        return iso(clock.parse(text).astimezone(job.tz) + shift)

    row = mine._asdict() | {
        "id": made, "ref": ref, "day": day, "status": "new", "kind": kind, "created_at": job.now,
        "stop_id": orders.door(made, mine.depot_id, day, mine.lat, mine.lon),
        "windows": [[same_time(lo), same_time(hi)] for lo, hi in mine.windows],
        "source": canonical.digest({"instead of": mine.id, "case": job.case.id}),
    }  # fmt: skip
    job.db.execute(insert(order).values(row))
    goods = {"id": canonical.short("par", made, "1"), "order_id": made, "holder": holder, "since": job.now}
    job.db.execute(insert(parcel).values(goods))
    return {mine.id: made}


# Taking it back -------------------------------------------------------------------------------------------------------


def not_made(db: Connection, applied: Mapping[str, Any]) -> list[str]:
    """Orders that a claim has made and nobody has planned yet are gone again. Raises Stale for others."""
    made = sorted(applied.get("made", {}).values())
    for order_id in made:
        if orders.get(db, order_id).status != "new":
            raise Stale("The new order is planned already.", "Take it off its day instead.")
        db.execute(parcel.delete().where(parcel.c.order_id == order_id))
        db.execute(order.delete().where(order.c.id == order_id))
    return [f"order {order_id} is not made" for order_id in made]


def disregard(job: Job, order_id: str) -> str:
    """What we wrote about a claim does not hold any more."""
    row = orders.get(job.db, order_id)
    say(job, row, "disregard", order=row.ref)
    return f"a correction tells the customer of {row.ref} to disregard what we wrote"
