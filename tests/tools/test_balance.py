"""Vans out of balance: what opens a case, what does not, and what is done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from agent import replay
from core import clock, decisions, promises
from core.store import db as store
from core.store.tables import case, effect, promise
from core.store.tables import order as order_table
from core.store.tables import vehicle as vehicle_table
from tests.living import (
    Day,
    Living,
    a_day,
    a_depot,
    a_plan,
    a_van,
    an_order,
    at,
    deliver,
    load_and_leave,
    look,
    stop_of,
    tap,
    texts_to,
)
from tests.tools.a_case import approve, asked, case_row, decided, routes

NOW = at("07:30")
FAR = [f"A{n}" for n in range(1, 9)]


def two_vans(living: Living) -> Day:
    """van1 with eight stops up the road, back at half past ten; van2 with one beyond them. Nobody has loaded."""
    places = {ref: 1.45 * nth for nth, ref in enumerate(FAR, 1)}
    day = a_day(living, {"van1": FAR, "van2": ["B1"]}, places | {"B1": 13})
    living.to(NOW)
    return day


def changed(van: str, **values: int) -> None:
    with store.transaction() as db:
        db.execute(update(vehicle_table).where(vehicle_table.c.id == van).values(**values))


def shift_ends(van: str, hour: float) -> None:
    changed(van, shift_end_s=int(hour * 3600))


def of_kind(kind: str) -> list[Row[Any]]:
    with store.transaction() as db:
        return list(db.execute(select(case).where(case.c.kind == kind).order_by(case.c.opened_at)))


def work(living: Living, case_id: str) -> None:
    """Work it, and say yes to what is asked."""
    living.work()
    if case_row(case_id).status == "waiting":
        approve(case_id, asked(case_id).digest)
        living.work()
    assert case_row(case_id).status == "closed"
    with store.transaction() as db:
        body = decisions.body(db, decided(case_id)[-1].id)
        assert replay.recompute(db, body["inputs"]) == body["outcome"]


# Route imbalance


def test_a_van_that_will_overrun_gives_unloaded_stops_to_one_with_time(living: Living) -> None:
    day = two_vans(living)
    shift_ends("van1", 10)
    (opened,) = look(NOW)
    row = case_row(opened)
    assert (row.kind, row.subject) == ("route_imbalance", "van1")
    assert row.facts["shift_end"] == clock.iso(at("10:00"))
    work(living, opened)
    decision = decided(opened)[-1]
    assert decision.action == "reassign"
    after = routes()
    given_away = set(day.stops.values()) - set(after["van1"]) - {day.stops["B1"]}
    assert 1 <= len(given_away) <= 4
    assert set(after["van2"]) == given_away | {day.stops["B1"]}
    with store.transaction() as db:
        ledger = set(db.execute(select(effect.c.target).where(effect.c.action == "stop.move")).scalars())
    assert ledger == given_away
    assert look(NOW + timedelta(minutes=1)) == [], "it ends in time now"


def test_nothing_is_opened_when_nobody_has_time_or_all_is_aboard(living: Living) -> None:
    day = two_vans(living)
    shift_ends("van1", 10)
    shift_ends("van2", 8.5)
    assert look(NOW) == [], "neither can help the other"
    shift_ends("van2", 18)
    with store.transaction() as db:
        tap(db, "loaded", "van1", NOW, orders=[day.orders[ref] for ref in FAR])
    assert look(NOW) == [], "goods on a van stay there"


def test_a_few_minutes_after_the_shift_are_no_case(living: Living) -> None:
    two_vans(living)
    shift_ends("van1", 10.5)
    assert look(NOW) == []


def test_pick_ups_change_hands_on_the_road(living: Living) -> None:
    day = two_vans(living)
    shift_ends("van1", 10)
    with store.transaction() as db:
        mine = order_table.c.id.in_([day.orders["A7"], day.orders["A8"]])
        db.execute(update(order_table).where(mine).values(kind="service"))
        load_and_leave(db, "van1", [day.orders[ref] for ref in FAR[:6]], at("07:58"))
        load_and_leave(db, "van2", [day.orders["B1"]], at("07:58"))
    (opened,) = look(at("08:00"))
    assert set(case_row(opened).facts["stops"]) == {day.stops["A7"], day.stops["A8"]}
    work(living, opened)
    assert routes()["van2"][0] == day.stops["B1"], "the stop that it heads to stays next"
    assert {day.stops["A7"], day.stops["A8"]} & set(routes()["van2"])


def test_it_closes_by_itself_when_the_van_ends_in_time_again(living: Living) -> None:
    two_vans(living)
    shift_ends("van1", 10)
    (opened,) = look(NOW)
    shift_ends("van1", 18)
    assert look(NOW + timedelta(minutes=1)) == []
    assert case_row(opened).reason_code == "in_balance"
    shift_ends("van1", 10)
    assert len(look(NOW + timedelta(minutes=2))) == 1, "what settled itself may come again at once"


def test_overtime_that_a_person_allowed_is_not_asked_about_again_for_an_hour(living: Living) -> None:
    places = {ref: 1.45 * nth for nth, ref in enumerate(FAR, 1)}
    a_day(living, {"van1": FAR, "van2": ["B1"]}, places | {"B1": -13})
    living.to(NOW)
    changed("van2", cost_per_km=9_000)
    shift_ends("van1", 10)
    (opened,) = look(NOW)
    living.work()
    row = case_row(opened)
    assert (row.status, row.reason_code) == ("waiting", "overrun.asks"), "nothing that moves is worth it"
    work(living, opened)
    assert look(NOW + timedelta(minutes=20)) == []
    look(NOW + timedelta(minutes=70))
    assert [row.status for row in of_kind("route_imbalance")] == ["closed", "open"]


def test_a_stop_that_was_moved_lately_is_not_moved_again(living: Living) -> None:
    day = two_vans(living)
    shift_ends("van1", 10)
    with store.transaction() as db:
        for ref in FAR:
            row = {"key": f"k{ref}", "case_id": "c", "action": "stop.move", "target": day.stops[ref], "status": "done"}
            db.execute(effect.insert().values(row | {"at": NOW - timedelta(minutes=20)}))
    assert look(NOW) == []
    assert len(look(NOW + timedelta(minutes=11))) == 1


# Over capacity


def test_a_van_that_is_to_carry_too_much_gives_away_what_does_not_fit(living: Living) -> None:
    two_vans(living)
    changed("van1", pieces=6)
    (opened,) = look(NOW)
    row = case_row(opened)
    assert (row.kind, row.subject) == ("over_capacity", "van1")
    assert "8, room for 6" in row.facts["overload"]
    work(living, opened)
    assert decided(opened)[-1].action == "reassign"
    assert len(routes()["van1"]) == 6
    assert look(NOW + timedelta(minutes=1)) == []


def test_what_fits_nowhere_is_a_persons(living: Living) -> None:
    two_vans(living)
    changed("van1", pieces=6)
    changed("van2", pieces=1)
    (opened,) = look(NOW)
    living.work()
    assert (case_row(opened).status, case_row(opened).reason_code) == ("waiting", "overload.asks")


# Early


def waits(living: Living) -> Day:
    """A van with a long stop and a short one, one that opens at eleven, two nearer ones."""
    with store.transaction() as db:
        a_depot(db)
        a_van(db, "van1")
        window = [(at("11:00"), at("14:00"))]
        made = {
            "L": an_order(db, "L", 1, service_s=9000),
            "M": an_order(db, "M", 1.5),
            "W": an_order(db, "W", 4, windows=window),
            "N1": an_order(db, "N1", 3),
            "N2": an_order(db, "N2", 2),
        }
        a_plan(db, {"van1": list(made.values())})
        day = Day(made, {ref: stop_of(db, order_id) for ref, order_id in made.items()})
        db.execute(update(promise).where(promise.c.order_id.in_([made["N1"], made["N2"]])).values(lo=at("08:00")))
        load_and_leave(db, "van1", list(made.values()), at("08:00"))
    living.work()
    return day


def test_a_van_far_ahead_of_its_plan_uses_the_time(living: Living) -> None:
    day = waits(living)
    with store.transaction() as db:
        deliver(db, "van1", day.orders["L"], at("08:08"))
    (opened,) = look(at("08:15"))
    row = case_row(opened)
    assert (row.kind, row.subject) == ("early", "van1")
    assert row.facts["waits_min"] >= 20
    work(living, opened)
    assert [(d.action, d.rule) for d in decided(opened)] == [("resequence", "resequence.within_limits")]
    ahead = [ref for stop in routes()["van1"] for ref in day.stops if day.stops[ref] == stop]
    assert ahead.index("W") > min(ahead.index("N1"), ahead.index("N2")), "it is served while the van would have waited"


def test_a_wait_that_the_plan_has_is_no_case(living: Living) -> None:
    waits(living)
    assert look(at("08:05")) == []


def test_who_is_reached_before_the_time_that_they_were_told_is_told(living: Living) -> None:
    day = a_day(living, {"van1": ["A1", "A2", "A3"]})
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values()), at("08:00"))
        later = {"lo": at("09:30"), "hi": at("11:00")}
        db.execute(update(promise).where(promise.c.order_id == day.orders["A3"]).values(**later))
    (opened,) = look(at("08:02"))
    assert case_row(opened).facts["sooner"] == [day.stops["A3"]]
    work(living, opened)
    assert [(d.action, d.rule) for d in decided(opened)] == [("tell_earlier", "tell_earlier.good_news")]
    with store.transaction() as db:
        assert texts_to(db, day.orders["A3"])[-1] == "retell"
        told = promises.open_of(db, day.orders["A3"])
        assert told is not None
        assert told.hi <= at("09:30")
    assert look(at("08:03")) == []
