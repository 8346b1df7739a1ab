"""One cause that makes many stops late is one row for a person, one proposal, one batch of messages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from agent import replay
from core import clock, decisions, incidents, principals, promises
from core.errors import BadInput, DoorstepError, NotFound, WrongState
from core.incidents import NewIncident
from core.store import db as store
from core.store.tables import case, live_route, message, promise
from tests.living import DAY, DEPOT, HOME, STEP, Day, Living, a_day, at, deliver, load_and_leave, look, the_case
from tests.tools.a_case import Picks, approve, asked, case_row, decided, open_cases, routes

NOW = at("08:00")
VANS = 4
STOPS = 20


def a_full_day(living: Living, vans: int = VANS, stops: int = STOPS) -> Day:
    """So many vans with so many stops each, all out and on time at eight."""
    refs = {f"van{v}": [f"V{v}S{n:02}" for n in range(stops)] for v in range(1, vans + 1)}
    places = {ref: 0.3 + 0.1 * n + 0.01 * v for v, of in enumerate(refs.values()) for n, ref in enumerate(of)}
    day = a_day(living, refs, places)
    with store.transaction() as db:
        for van, mine in refs.items():
            load_and_leave(db, van, [day.orders[ref] for ref in mine], NOW)
    living.to(NOW)
    look(NOW)
    living.work()
    return day


def everybody_is_late(minutes: int = 20) -> None:
    """All were promised to be served by a time that has no room left."""
    with store.transaction() as db:
        db.execute(update(promise).values(lo=NOW - timedelta(hours=1), hi=NOW - timedelta(minutes=minutes)))


def rows_for_people() -> list[str]:
    with store.transaction() as db:
        query = select(case.c.kind).where(case.c.status.in_(["waiting", "escalated"]))
        return sorted(db.execute(query).scalars())


def count_of(template: str) -> int:
    with store.transaction() as db:
        return int(db.execute(select(func.count()).where(message.c.template == template)).scalar_one())


def test_eighty_stops_late_at_once_are_one_row_one_approval_and_one_batch(living: Living) -> None:
    day = a_full_day(living)
    everybody_is_late()
    opened = look(NOW)
    assert len(opened) == 1
    living.work()
    assert rows_for_people() == ["incident"]
    row = case_row(opened[0])
    assert row.facts["cause"] == "roads", "four vans on the road at once"
    assert len(row.facts["stops"]) == len(day.stops) == 80
    assert count_of("retell") == 0, "nobody is told before the person says so"
    approve(opened[0], asked(opened[0]).digest)
    living.work()
    assert count_of("retell") == 80
    assert [d.verdict for d in decided(opened[0])] == ["approved"]
    assert open_cases() == [], "its members end with it"
    with store.transaction() as db:
        open_promises = [promises.open_of(db, order_id) for order_id in day.orders.values()]
        assert all(told is not None and told.hi > NOW for told in open_promises)
        body = decisions.body(db, decided(opened[0])[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


def test_members_point_at_the_incident_and_are_not_worked_alone(living: Living) -> None:
    a_full_day(living, vans=2, stops=5)
    everybody_is_late()
    (incident,) = look(NOW)
    living.work()
    with store.transaction() as db:
        members = db.execute(select(case).where(case.c.kind == "predicted_late")).all()
    assert len(members) == 10
    assert {(m.status, m.facts["incident"]) for m in members} == {("folded", incident)}
    assert look(NOW + timedelta(minutes=1)) == []


def test_fewer_stops_are_cases_of_their_own(living: Living) -> None:
    a_full_day(living, vans=1, stops=7)
    everybody_is_late()
    assert len(look(NOW)) == 7
    assert set(open_cases()) == {"predicted_late"}


def test_the_stops_of_one_van_are_that_vans_incident_and_another_vans_do_not_join(living: Living) -> None:
    day = a_full_day(living, vans=2, stops=9)
    with store.transaction() as db:
        mine = [day.orders[ref] for ref in day.orders if ref.startswith("V1")]
        db.execute(update(promise).where(promise.c.order_id.in_(mine)).values(hi=NOW - timedelta(minutes=5)))
    (incident,) = look(NOW)
    assert case_row(incident).facts["cause"] == "van"
    with store.transaction() as db:
        theirs = day.orders["V2S03"]
        db.execute(update(promise).where(promise.c.order_id == theirs).values(hi=NOW - timedelta(minutes=5)))
    (alone,) = look(NOW + timedelta(minutes=1))
    assert case_row(alone).kind == "predicted_late"


def late_later(living: Living) -> tuple[str, str]:
    """An incident of two vans, and the order of a customer who is not late yet."""
    day = a_full_day(living, vans=2, stops=6)
    spared = day.orders["V2S05"]
    everybody_is_late()
    with store.transaction() as db:
        db.execute(update(promise).where(promise.c.order_id == spared).values(hi=at("18:00")))
    (incident,) = look(NOW)
    return incident, spared


def turns_late(order_id: str) -> None:
    with store.transaction() as db:
        db.execute(update(promise).where(promise.c.order_id == order_id).values(hi=NOW - timedelta(minutes=1)))


def test_who_turns_late_before_it_is_shown_joins_and_is_weighed_too(living: Living) -> None:
    incident, spared = late_later(living)
    turns_late(spared)
    assert look(NOW + timedelta(minutes=1)) == []
    living.work()
    assert len(case_row(incident).facts["stops"]) == 12
    assert len(asked(incident).args["retold"]) == 12
    assert rows_for_people() == ["incident"]


def test_who_joins_after_it_was_shown_does_not_take_it_out_of_the_approvers_hands(living: Living) -> None:
    incident, spared = late_later(living)
    living.work()
    shown = asked(incident).digest
    turns_late(spared)
    assert look(NOW + timedelta(minutes=1)) == [], "they join: there is one row"
    living.work()
    assert asked(incident).digest == shown
    assert rows_for_people() == ["incident"]
    assert approve(incident, shown), "what was shown still stands"
    living.work(planner=Picks("retell"))
    told = asked(incident).args["retold"]
    assert len(told) == 11, "who was not in it is told nothing by it"
    with store.transaction() as db:
        (after,) = db.execute(select(case).where(case.c.kind == "incident", case.c.id != incident)).all()
    assert len(after.facts["stops"]) == 1, "who joined is the next batch, and alone in it"
    assert [(d.verdict, d.rule) for d in decided(after.id)] == [("auto", "retell_all.next_batch")]
    assert count_of("retell") == 12
    assert open_cases() == []


def test_who_is_served_or_told_meanwhile_counts_only_when_it_touches_them(living: Living) -> None:
    day = a_full_day(living, vans=2, stops=6)
    everybody_is_late()
    (incident,) = look(NOW)
    living.work()
    with store.transaction() as db:
        deliver(db, "van1", day.orders["V1S00"], NOW + timedelta(minutes=4))
    assert approve(incident, asked(incident).digest), "a parcel that has arrived shakes nothing"
    living.to(NOW + timedelta(minutes=8))
    living.work()
    assert count_of("retell") == 11
    assert case_row(incident).reason_code == "done"


def test_whom_somebody_told_another_time_meanwhile_it_is_computed_again_for(living: Living) -> None:
    day = a_full_day(living, vans=2, stops=6)
    everybody_is_late()
    (incident,) = look(NOW)
    living.work()
    with store.transaction() as db:
        promises.make(db, day.orders["V1S03"], NOW, at("18:00"), "msg_by_hand", NOW)
    assert not approve(incident, asked(incident).digest)


def test_it_closes_by_itself_when_nobody_is_late_any_more(living: Living) -> None:
    a_full_day(living, vans=2, stops=5)
    everybody_is_late()
    (incident,) = look(NOW)
    with store.transaction() as db:
        db.execute(update(promise).values(hi=at("18:00")))
    look(NOW + timedelta(minutes=1))
    living.work()
    assert case_row(incident).reason_code == "on_time_again"
    assert open_cases() == []


# Declared


def declare(**given: object) -> str:
    with store.transaction() as db:
        new = NewIncident.model_validate({"depot": DEPOT, "until": at("12:00"), **given})
        return incidents.declare(db, new, DAY, "pri_1", clock.now(db))


ON_THE_ROAD = {"lat": HOME[0] + STEP * 1.2, "lon": HOME[1], "radius_m": 3000}


def test_a_road_closure_retimes_and_proposes_once(living: Living) -> None:
    a_full_day(living, vans=2, stops=15)
    with store.transaction() as db:
        db.execute(update(promise).values(hi=at("10:15")))
    assert look(NOW) == []
    before = routes()
    made = declare(kind="road_closed", percent=1000, **ON_THE_ROAD)
    opened = look(NOW)
    living.work()
    assert [case_row(c).kind for c in opened] == ["incident"]
    assert case_row(opened[0]).subject == made
    assert case_row(opened[0]).facts["cause"] == "road_closed"
    approve(opened[0], asked(opened[0]).digest)
    living.work()
    assert rows_for_people() == []
    for minute in (1, 2, 3):
        assert look(NOW + timedelta(minutes=minute)) == [], "it was re-timed: nothing is late by the same cause again"
    assert routes().keys() == before.keys()
    with store.transaction() as db:
        assert len(list(db.execute(select(case).where(case.c.kind == "incident")))) == 1
        body = decisions.body(db, decided(opened[0])[0].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"], "the circle is in the recorded problem"


def test_the_same_incident_told_twice_is_one(living: Living) -> None:
    a_full_day(living, vans=1, stops=3)
    assert declare(kind="storm", **ON_THE_ROAD) == declare(kind="storm", **ON_THE_ROAD)
    with store.transaction() as db:
        assert len(incidents.of_day(db, DEPOT, DAY)) == 1


def test_a_late_depot_holds_the_vans_that_have_not_left(living: Living) -> None:
    a_day(living, {"van1": [f"A{n}" for n in range(10)]}, {f"A{n}": 0.5 + 0.2 * n for n in range(10)})
    living.to(at("07:30"))
    assert look(at("07:30")) == []
    declare(kind="depot_late", minutes=120)
    assert len(look(at("07:31"))) == 1
    with store.transaction() as db:
        assert the_case(db, "incident").facts["cause"] == "depot_late"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "storm"}, "radius_m"),
        ({"kind": "depot_late"}, "minutes"),
        ({"kind": "storm", **ON_THE_ROAD, "until": at("06:00")}, "until"),
    ],
)
def test_an_incident_that_says_too_little_is_refused(living: Living, given: dict[str, object], field: str) -> None:
    a_full_day(living, vans=1, stops=2)
    with pytest.raises(BadInput) as refused:
        declare(**given)
    assert refused.value.field == field


def end(incident_id: str) -> bool:
    with store.transaction() as db:
        return incidents.end(db, incident_id, "pri_1", clock.now(db))


def closed_and_told(living: Living) -> str:
    """A road was closed, and everybody whom it makes late was told a later time; returns the incident."""
    a_full_day(living, vans=2, stops=15)
    with store.transaction() as db:
        db.execute(update(promise).values(hi=at("10:15")))
    made = declare(kind="road_closed", percent=1000, **ON_THE_ROAD)
    (opened,) = look(NOW)
    living.work()
    approve(opened, asked(opened).digest)
    living.work()
    assert count_of("retell") >= 2
    assert look(NOW + timedelta(minutes=1)) == []
    return made


def test_who_was_told_late_is_told_once_more_when_it_ends_before_its_time(living: Living) -> None:
    made = closed_and_told(living)
    told = count_of("retell")
    assert end(made)
    assert not end(made), "it ends once"
    soon = living.to(NOW + timedelta(minutes=2))
    (opened,) = look(soon)
    row = case_row(opened)
    assert (row.kind, row.subject) == ("incident_over", made)
    sooner = len(row.facts["stops"])
    assert 1 <= sooner <= told
    living.work()
    if case_row(opened).status == "waiting":
        assert case_row(opened).reason_code == "tell_earlier.many"
        approve(opened, asked(opened).digest)
        living.work()
    assert decided(opened)[-1].action == "tell_earlier"
    assert count_of("retell") == told + sooner
    with store.transaction() as db:
        body = decisions.body(db, decided(opened)[-1].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]
    for minute in (3, 4, 30):
        assert [c for c in look(NOW + timedelta(minutes=minute)) if case_row(c).kind == "incident_over"] == []
    assert count_of("retell") == told + sooner, "once"


def test_travel_times_are_as_before_from_its_end_on(living: Living) -> None:
    a_full_day(living, vans=1, stops=15)
    before = expected()
    made = declare(kind="storm", percent=500, **ON_THE_ROAD)
    look(NOW)
    assert expected() != before
    end(made)
    look(NOW)
    assert expected() == before


def expected() -> list[str]:
    with store.transaction() as db:
        return [each["p50"] for row in db.execute(select(live_route.c.etas)).scalars() for each in row]


def test_an_incident_that_ends_while_a_person_is_asked_asks_no_more(living: Living) -> None:
    a_full_day(living, vans=2, stops=15)
    with store.transaction() as db:
        db.execute(update(promise).values(hi=at("10:15")))
    made = declare(kind="road_closed", percent=1000, **ON_THE_ROAD)
    (opened,) = look(NOW)
    living.work()
    assert rows_for_people() == ["incident"]
    end(made)
    assert look(NOW + timedelta(minutes=1)) == []
    assert case_row(opened).reason_code == "on_time_again"
    assert rows_for_people() == []
    assert count_of("retell") == 0


@pytest.mark.parametrize(("incident_id", "error"), [("inc_nobody", NotFound), ("order.received", NotFound)])
def test_only_what_was_declared_is_ended(living: Living, incident_id: str, error: type[DoorstepError]) -> None:
    a_full_day(living, vans=1, stops=2)
    with pytest.raises(error) as refused:
        end(incident_id)
    assert refused.value.field == "id"


def test_what_is_over_anyhow_is_not_ended(living: Living) -> None:
    a_full_day(living, vans=1, stops=2)
    made = declare(kind="storm", **ON_THE_ROAD)
    living.to(at("12:00"))
    with pytest.raises(WrongState, match="It is over since"):
        end(made)


def test_vans_that_have_not_left_are_a_late_depot(living: Living) -> None:
    places = {f"B{n}": n + 1.5 for n in range(5)}
    a_day(living, {"van1": [f"A{n}" for n in range(5)], "van2": sorted(places)}, places)
    with store.transaction() as db:
        db.execute(update(promise).values(hi=at("08:05")))
    living.to(at("08:30"))
    (opened,) = look(at("08:30"))
    assert case_row(opened).facts["cause"] == "depot_late"


def test_an_incident_that_nobody_answers_goes_to_the_next_person(living: Living) -> None:
    a_full_day(living, vans=2, stops=5)
    with store.transaction() as db:
        for name in ("dana", "lia"):
            principals.ensure(db, "dispatcher", name)
    everybody_is_late()
    (incident,) = look(NOW)
    living.work()
    first = case_row(incident)
    assert first.due_by is not None
    living.pulse(first.due_by)
    then = case_row(incident)
    assert then.status == "waiting"
    assert then.owner != first.owner
    assert then.due_by > first.due_by
