"""Standing orders make a day's orders once; the address book corrects them; usual routes start a plan."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from core import address_book, clock, orders, people, plans, standing, usual_routes
from core.address_book import Door
from core.errors import BadInput, NotFound
from core.orders import NewOrder, Place
from core.store.tables import case, timer
from optimizer.problem import Plan
from optimizer.schedule import Schedule
from tests.living import DAY, DEPOT, HOME, STEP, a_depot, a_plan, a_van, an_order, at, customer_of, stop_of
from tools import problems, starting
from tools import standing as making

WEEK = [DAY + timedelta(days=n) for n in range(7)]
NOW = at("06:00")


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    a_van(record)
    return record


def sent(**given: Any) -> NewOrder:
    fields = {"ref": "W1", "name": "Ana Gil", "phone": "+15550100100", "address": "1 Long Road",
              "lat": HOME[0] + STEP, "lon": HOME[1]}  # fmt: skip
    return NewOrder.model_validate(fields | given)


def kept(db: Connection, new: NewOrder, weekdays: tuple[int, ...], until: date | None = None) -> str:
    making.keep(db, new, DEPOT, weekdays, DAY, until, None, NOW)
    return standing.id_of(new.client, new.ref)


def refs(db: Connection, day: date) -> list[str]:
    return [row.ref for row in orders.of_day(db, DEPOT, day)]


def test_each_of_its_days_gets_an_order_once_and_the_others_none(db: Connection) -> None:
    kept(db, sent(windows=[(at("09:00"), at("11:00"))]), (DAY.isoweekday(), WEEK[3].isoweekday()))
    for day in (*WEEK, *WEEK):
        making.make(db, DEPOT, day, NOW)
    assert [len(refs(db, day)) for day in WEEK] == [1, 0, 0, 1, 0, 0, 0]
    assert refs(db, WEEK[3]) == [f"W1@{WEEK[3].isoformat()}"]
    [made] = orders.of_day(db, DEPOT, WEEK[3])
    lo = clock.parse(made.windows[0][0]) - at("09:00")
    assert lo == timedelta(days=3), "the same time of day"
    assert made.person_id == orders.of_day(db, DEPOT, DAY)[0].person_id


def test_a_skipped_day_and_the_days_after_the_last_get_none(db: Connection) -> None:
    made = kept(db, sent(), (1, 2, 3, 4, 5, 6, 7), until=WEEK[4])
    assert standing.skip(db, made, WEEK[2]) == [WEEK[2].isoformat()]
    for day in WEEK:
        making.make(db, DEPOT, day, NOW)
    assert [len(refs(db, day)) for day in WEEK] == [1, 1, 0, 1, 1, 0, 0]
    standing.end(db, made)
    with pytest.raises(NotFound):
        standing.get(db, made)


def test_put_again_it_is_changed_for_the_days_to_come(db: Connection) -> None:
    kept(db, sent(pieces=1), (1, 2, 3, 4, 5, 6, 7))
    assert not making.keep(db, sent(pieces=3), DEPOT, (1, 2, 3, 4, 5, 6, 7), WEEK[1], None, None, NOW)
    assert [orders.of_day(db, DEPOT, day)[0].pieces for day in WEEK[:2]] == [1, 3]


def test_the_timer_makes_tomorrows_orders_and_sets_itself_again(db: Connection) -> None:
    kept(db, sent(), (WEEK[1].isoweekday(),))
    noons = select(timer.c.due_at).where(timer.c.kind == making.TIMER).order_by(timer.c.due_at)
    assert db.execute(noons).scalars().all() == [at("12:00")]
    making.noon(db, DEPOT, at("12:00"))
    assert len(refs(db, WEEK[1])) == 1
    due = (
        db.execute(select(timer.c.due_at).where(timer.c.kind == making.TIMER).order_by(timer.c.due_at)).scalars().all()
    )
    assert due == [at("12:00"), at("12:00") + timedelta(days=1)]


def test_one_that_comes_while_its_day_runs_is_a_case(db: Connection) -> None:
    a_plan(db, {"van1": [an_order(db, "A1", 2)]})
    kept(db, sent(), (DAY.isoweekday(),))
    assert db.execute(select(case.c.kind)).scalars().all() == ["unassigned"]


def test_an_address_that_nobody_knows_is_refused_and_one_that_was_found_is_remembered(db: Connection) -> None:
    lost = sent(lat=None, lon=None)
    with pytest.raises(BadInput, match="Nobody knows"):
        making.keep(db, lost, DEPOT, (1,), DAY, None, None, NOW)
    found = Place(lat=HOME[0] + 2 * STEP, lon=HOME[1], known="exact")
    making.keep(db, lost, DEPOT, (DAY.isoweekday(),), DAY, None, found, NOW)
    assert orders.of_day(db, DEPOT, DAY)[0].lat == HOME[0] + 2 * STEP


# The address book


def test_the_next_order_to_a_corrected_door_goes_there_with_its_notes_and_time(db: Connection) -> None:
    first = an_order(db, "A1", 1, address="5, Elm Street", phone="+15550100200", service_s=60)
    person = orders.get(db, first).person_id
    door = Door(address="5 Elm street", lat=HOME[0] + 3 * STEP, lon=HOME[1], notes="Gate code 1234.", service_s=420)
    address_book.remember(db, person, door, NOW)
    again = {"address": "5 ELM STREET", "phone": "+15550100200", "name": "Customer A1"}
    made, _ = orders.add(db, sent(ref="A2", notes="Fragile.", **again), DEPOT, DAY, NOW)
    row = orders.get(db, made)
    assert (row.lat, row.place, row.service_s) == (HOME[0] + 3 * STEP, "person", 420)
    assert row.notes == "Fragile.\nGate code 1234."
    said, _ = orders.add(db, sent(ref="A3", service_s=60, **again), DEPOT, DAY, NOW)
    assert orders.get(db, said).service_s == 60, "the order says how long"
    other = an_order(db, "B1", 1, address="5 Elm Street")
    assert orders.get(db, other).lat == HOME[0] + STEP, "another customer's door"


def test_what_is_left_out_stays_as_it_was_and_goes_with_the_person(db: Connection) -> None:
    made = an_order(db, "A1", 1, address="5 Elm Street")
    person = orders.get(db, made).person_id
    address_book.remember(db, person, Door(address="5 Elm Street", notes="Ring twice."), NOW)
    address_book.remember(db, person, Door(address="5 Elm Street", service_s=300), NOW)
    assert [(d.notes, d.service_s, d.lat) for d in address_book.of_person(db, person)] == [("Ring twice.", 300, None)]
    kept(db, sent(phone="+15550100777"), (1,))
    orders.set_status(db, [made], "delivered")
    people.erase(db, person, NOW)
    assert address_book.of_person(db, person) == []
    assert len(standing.of_depot(db, DEPOT)) == 1, "somebody else's"


# Usual routes


def test_a_plan_starts_from_the_usual_routes_and_says_how_far_it_left_them(db: Connection) -> None:
    ids = [an_order(db, f"A{n}", n) for n in (1, 2, 3)]
    people_of = [customer_of(db, each).subject for each in ids]
    a_van(db, "van2")
    usual_routes.put(db, DEPOT, "Monday", {"van1": [people_of[2], people_of[0]], "gone": [people_of[1]]})
    here = problems.ground(db, DEPOT, DAY)
    problem = starting.at(db, here, problems.first(db, here), "Monday")
    assert problem.routes == {"van1": (stop_of(db, ids[2]), stop_of(db, ids[0]))}
    schedule = Schedule(problem, here.matrix)

    def planned(*order: int) -> dict[str, Any]:
        route = schedule.route(problem.vehicle("van1"), tuple(stop_of(db, ids[n]) for n in order))
        plan = Plan(routes=(route,), unassigned=(), cost=0, engine="x", iterations=0, stopped_by="iterations")
        return starting.left(problem, plan, "Monday")

    assert planned(2, 1, 0) == {"name": "Monday", "stops": 2, "moved": 0}, "one more in between moves nobody"
    assert planned(0, 1, 2) == {"name": "Monday", "stops": 2, "moved": 1}


def test_usual_routes_are_taken_from_a_plan_and_forgotten(db: Connection) -> None:
    ids = [an_order(db, f"A{n}", n) for n in (1, 2)]
    a_plan(db, {"van1": [ids[1], ids[0]]})
    current = plans.current(db, DEPOT, DAY)
    assert current is not None
    routes = usual_routes.of_plan(db, current)
    assert routes == {"van1": [customer_of(db, ids[1]).subject, customer_of(db, ids[0]).subject]}
    usual_routes.put(db, DEPOT, "Tuesday", routes)
    assert usual_routes.names(db, DEPOT) == ["Tuesday"]
    usual_routes.remove(db, DEPOT, "Tuesday")
    with pytest.raises(NotFound):
        usual_routes.get(db, DEPOT, "Tuesday")
    with pytest.raises(BadInput, match="twice"):
        usual_routes.put(db, DEPOT, "x", {"van1": [*routes["van1"], routes["van1"][0]]})
    with pytest.raises(BadInput, match="no person"):
        usual_routes.put(db, DEPOT, "x", {"van1": ["per_x"]})
