"""The tracker: a judgement that does not flicker, one case for a late stop, and figures with their sources."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core import cases, clock, events, orders, vans
from core.store import db as store
from core.store.tables import case, live_route, promise
from core.vans import Position
from tests.living import Day, Living, a_plan, at, deliver, load_and_leave, look, tap
from tests.tools.a_case import NOW, planned
from tools import tracker


def expected(day: Day, ref: str, van: str = "van1") -> dict[str, Any]:
    with store.transaction() as db:
        found = tracker.expected(db, day.stops[ref], van)
    assert found is not None
    return found


def p50(day: Day, ref: str, van: str = "van1") -> datetime:
    return clock.parse(expected(day, ref, van)["p50"])


def promise_until(day: Day, ref: str, hi: datetime) -> None:
    with store.transaction() as db:
        mine = (promise.c.order_id == day.orders[ref]) & (promise.c.status == "open")
        db.execute(update(promise).where(mine).values(lo=hi - timedelta(hours=1), hi=hi))


def late_stops(van: str = "van1") -> list[str]:
    with store.transaction() as db:
        return list(db.execute(select(live_route.c.late).where(live_route.c.vehicle_id == van)).scalar_one())


def facts(day: Day, ref: str, now: datetime) -> dict[str, Any]:
    with store.transaction() as db:
        return {f["name"]: f["value"] for f in tracker.order_status(db, day.orders[ref], now)}


# Late, and on time again


def test_a_stop_is_on_time_again_only_when_it_is_well_within_its_promise(living: Living) -> None:
    day = planned(living)
    look(NOW)
    arrives, late, well = p50(day, "A1"), tracker.LATE_AFTER_S, tracker.ON_TIME_AFTER_S
    assert well < late, "or the judgement flickers"
    steps = [
        (late - 1, False, "not late yet"),
        (late, False, "on the line"),
        (late + 1, True, "late"),
        (late - 120, True, "getting better is not on time"),
        (well + 1, True, "nearly"),
        (well, False, "on time again"),
        (late, False, "on the line again"),
        (late + 600, True, "late again"),
    ]
    for seconds, is_late, why in steps:
        promise_until(day, "A1", arrives - timedelta(seconds=seconds))
        look(NOW)
        assert (late_stops() == [day.stops["A1"]]) is is_late, why
        with store.transaction() as db:
            assert tracker.is_late(db, day.stops["A1"]) is is_late


def test_a_late_stop_opens_one_case_however_often_it_is_looked_at(living: Living) -> None:
    day = planned(living)
    look(NOW)
    promise_until(day, "A1", p50(day, "A1") - timedelta(minutes=10))
    first = look(NOW)
    again = [look(NOW + timedelta(minutes=n)) for n in (0, 1, 2)]
    assert (len(first), again) == (1, [[], [], []])
    with store.transaction() as db:
        rows = db.execute(select(case)).all()
        told = [e.kind for e in events.of(db, day.stops["A1"])]
    assert [(row.kind, row.subject, row.id) for row in rows] == [("predicted_late", day.stops["A1"], first[0])]
    assert told == ["stop.predicted_late"]


@pytest.mark.parametrize("mended", [True, False])
def test_a_stop_whose_route_was_mended_is_judged_anew(living: Living, mended: bool) -> None:
    day = planned(living)
    look(NOW)
    arrives = p50(day, "A2")
    promise_until(day, "A2", arrives - timedelta(minutes=10))
    first = look(NOW)
    with store.transaction() as db:
        cases.advance(db, cases.get(db, first[0]), "closed", closed_at=NOW, reason_code="done")
        if mended:
            left = {"van1": ["A1", "A2"], "van2": ["B1", "B2", "A3"]}
            a_plan(db, {name: [day.orders[ref] for ref in refs] for name, refs in left.items()})
    promise_until(day, "A2", arrives + timedelta(minutes=1))
    assert look(NOW) == []
    promise_until(day, "A2", arrives - timedelta(minutes=1))
    again = look(NOW + timedelta(minutes=1))
    with store.transaction() as db:
        told = [e.kind for e in events.of(db, day.stops["A2"])]
    if mended:
        assert len(again) == 1, "nearly in time was in time, and now it is late"
        assert told == ["stop.predicted_late", "stop.on_time_again", "stop.predicted_late"]
    else:
        assert again == [], "nearly in time is still the lateness that somebody has dealt with"
        assert told == ["stop.predicted_late"]


def test_a_case_says_which_van_what_was_due_and_what_is_expected(living: Living) -> None:
    day = planned(living)
    look(NOW)
    due = p50(day, "A1") - timedelta(minutes=10)
    promise_until(day, "A1", due)
    look(NOW)
    with store.transaction() as db:
        row = db.execute(select(case)).one()
    expected = clock.iso(due + timedelta(minutes=10))
    assert row.facts == {"vehicle": "van1", "due": clock.iso(due), "expected": expected, "window_holds": False}


def test_a_stop_that_is_late_again_while_its_case_is_open_joins_it(living: Living) -> None:
    day = planned(living)
    look(NOW)
    arrives = p50(day, "A1")
    for minutes in (10, -10, 10):
        promise_until(day, "A1", arrives - timedelta(minutes=minutes))
        look(NOW)
    with store.transaction() as db:
        assert len(db.execute(select(case)).all()) == 1


def test_a_case_that_settles_itself_is_closed_without_doing_anything(living: Living) -> None:
    day = planned(living)
    look(NOW)
    arrives = p50(day, "A1")
    for minutes in (10, -10):
        promise_until(day, "A1", arrives - timedelta(minutes=minutes))
        look(NOW)
    living.work()
    with store.transaction() as db:
        row = db.execute(select(case)).one()
    assert (row.status, row.reason_code) == ("closed", "on_time_again")


def test_a_stop_without_a_promise_is_never_late(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        db.execute(update(promise).where(promise.c.order_id == day.orders["A1"]).values(status="released"))
    assert look(at("16:00")) != []
    assert day.stops["A1"] not in late_stops()


def test_of_two_promises_at_one_door_the_first_to_break_counts(living: Living) -> None:
    day = planned(living)
    look(NOW)
    assert late_stops() == []
    promise_until(day, "A2", p50(day, "A2") - timedelta(minutes=10))
    look(NOW)
    assert late_stops() == [day.stops["A2"]], "and not its neighbours"


# Where it will be when


def test_arrivals_come_in_driving_order_each_with_a_range_around_it(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], NOW - timedelta(minutes=1))
    look(NOW)
    rows = [expected(day, ref) for ref in ("A1", "A2", "A3")]
    assert [row["ahead"] for row in rows] == [0, 1, 2]
    for row in rows:
        assert row["lo"] <= row["p50"] <= row["hi"]
        assert (row["at"], row["vehicle"]) == (clock.iso(NOW), "van1")
    widths = [clock.parse(row["hi"]) - clock.parse(row["lo"]) for row in rows]
    assert widths[0] < widths[-1], "the farther ahead the less is known"


def test_a_van_that_leaves_late_is_later_everywhere(living: Living) -> None:
    day = planned(living)
    look(at("08:00"))
    before = [p50(day, ref) for ref in ("A1", "A2", "A3")]
    look(at("08:30"))
    assert [p50(day, ref) - was for ref, was in zip(("A1", "A2", "A3"), before, strict=True)] == [
        timedelta(minutes=30)
    ] * 3


def test_before_its_shift_a_van_is_expected_when_its_shift_begins(living: Living) -> None:
    day = planned(living)
    look(at("07:10"))
    early = p50(day, "A1")
    look(at("07:50"))
    assert p50(day, "A1") == early > at("08:00")


def test_what_was_delivered_is_not_expected_any_more(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], at("08:00"))
        deliver(db, "van1", day.orders["A1"], at("08:10"))
    look(at("08:14"))
    with store.transaction() as db:
        assert tracker.expected(db, day.stops["A1"], "van1") is None
        assert tracker.expected(db, day.stops["A2"], "van9") is None
    assert expected(day, "A2")["ahead"] == 0


# Where is my order


def test_before_the_van_is_out_it_says_what_was_promised(living: Living) -> None:
    day = planned(living)
    look(NOW)
    told = facts(day, "A1", NOW)
    assert (told["order"], told["status"], told["day"]) == ("A1", "planned", "2026-06-02")
    assert "stops_ahead" not in told
    assert told["lo"] < told["hi"]
    assert told["last_fact"] == "we received it"


def test_when_the_van_is_out_it_says_how_many_stops_come_first(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], at("08:00"))
    look(at("08:01"))
    assert [facts(day, ref, at("08:01"))["stops_ahead"] for ref in ("A1", "A2", "A3")] == [0, 1, 2]
    with store.transaction() as db:
        tap(db, "arrived", "van1", at("08:08"), day.stops["A1"])
    look(at("08:08"))
    assert facts(day, "A3", at("08:08"))["stops_ahead"] == 2, "the one that is being served counts too"


def test_it_says_how_old_the_last_news_are(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A1"]], at("08:00"))
        vans.take_positions(db, [Position(vehicle="van1", at=at("08:03"), lat=30.21, lon=-97.7)])
    look(at("08:04"))
    told = facts(day, "A1", at("08:05"))
    assert (told["last_fact"], told["last_fact_age"]) == ("the van was seen on its way", "2 min")
    assert facts(day, "A1", at("12:00"))["last_fact_age"] == "3 h"


def test_after_the_delivery_it_says_so(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A1"]], at("08:00"))
        deliver(db, "van1", day.orders["A1"], at("08:10"))
    told = facts(day, "A1", at("09:00"))
    assert (told["status"], told["last_fact"], told["last_fact_age"]) == ("delivered", "it was delivered", "47 min")


def test_every_fact_has_a_source_and_a_time(living: Living) -> None:
    day = planned(living)
    look(NOW)
    with store.transaction() as db:
        for each in tracker.order_status(db, day.orders["A1"], NOW):
            assert each["source"]
            assert clock.parse(each["at"]) <= NOW


def test_what_is_said_to_a_customer_names_nobody(living: Living) -> None:
    day = planned(living)
    look(NOW)
    with store.transaction() as db:
        said = str(tracker.order_status(db, day.orders["A1"], NOW))
    assert "Customer" not in said
    assert "+1555" not in said


# Silent trackers


def silence(van: str = "van1") -> list[tuple[str, str | None]]:
    with store.transaction() as db:
        mine = (case.c.kind == "silent_tracker") & (case.c.subject == van)
        query = select(case.c.status, case.c.reason_code).where(mine).order_by(case.c.opened_at)
        return [(row.status, row.reason_code) for row in db.execute(query)]


def on_the_road(living: Living, *, tracker_sends: bool = True) -> Day:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders["A1"]], at("08:00"))
        if tracker_sends:
            vans.take_positions(db, [Position(vehicle="van1", at=at("08:02"), lat=30.21, lon=-97.7)])
    return day


def test_a_silent_tracker_is_one_case_however_long_it_lasts_and_a_person_has_it(living: Living) -> None:
    on_the_road(living)
    look(at("08:12"))
    assert silence() == [], "ten minutes are not more than ten minutes"
    for clock_time in ("08:13", "08:14", "08:30"):
        look(at(clock_time))
    living.work()
    assert silence() == [("escalated", "silent_tracker")]
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "silent_tracker")).one()
    assert row.facts["heard"] == clock.iso(at("08:02"))


def test_it_closes_itself_when_positions_come_back_and_opens_anew_next_time(living: Living) -> None:
    on_the_road(living)
    look(at("08:13"))
    living.work()
    with store.transaction() as db:
        vans.take_positions(db, [Position(vehicle="van1", at=at("08:14"), lat=30.21, lon=-97.7)])
    look(at("08:14"))
    assert silence() == [("closed", "heard_again")]
    look(at("08:30"))
    assert [status for status, _ in silence()] == ["closed", "open"]


def test_a_tap_is_a_sign_of_life_too(living: Living) -> None:
    day = on_the_road(living)
    look(at("08:13"))
    with store.transaction() as db:
        tap(db, "arrived", "van1", at("08:14"), day.stops["A1"])
    look(at("08:15"))
    assert silence() == [("closed", "heard_again")]
    look(at("08:50"))
    assert len(silence()) == 1, "who stands at a door is not driving"


def test_a_van_without_a_tracker_is_not_missed(living: Living) -> None:
    on_the_road(living, tracker_sends=False)
    look(at("09:00"))
    assert silence() == []


# The trail, and doors by position


def test_a_van_that_stands_at_its_door_is_seen_there_and_on_its_trail(living: Living) -> None:
    day = on_the_road(living)
    with store.transaction() as db:
        place = orders.get(db, day.orders["A1"])
        there = [
            Position(vehicle="van1", at=at(t), lat=lat, lon=place.lon, speed_kmh=0)
            for t, lat in (("08:08", place.lat), ("08:10", place.lat), ("08:14", place.lat + 0.01))
        ]
        vans.take_positions(db, there)
    look(at("08:15"))
    with store.transaction() as db:
        told = [e.kind for e in events.of(db, day.stops["A1"])]
        seen = tracker.trail(db, "van1", at("08:00"), at("09:00"), 3)
    assert told == ["stop.entered", "stop.left"]
    assert (seen["positions"], [point["at"] for point in seen["points"]]) == (
        4,
        [clock.iso(at(t)) for t in ("08:02", "08:08", "08:14")],
    )
    assert [(d["stop"], d["seconds"]) for d in seen["dwells"]] == [(day.stops["A1"], 360)]
    assert [each["stop"] for each in seen["ahead"]] == [day.stops[ref] for ref in ("A1", "A2", "A3")]


# The fleet


def test_the_fleet_is_seen_with_what_each_van_does_and_has_left(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], at("08:00"))
    look(at("08:02"))
    promise_until(day, "A3", p50(day, "A3") - timedelta(minutes=10))
    look(at("08:02"))
    with store.transaction() as db:
        seen = {row["id"]: row for row in tracker.fleet_now(db, at("08:02"))}
    assert (seen["van1"]["state"], seen["van1"]["stop"]) == ("driving", day.stops["A1"])
    assert (seen["van1"]["stops_left"], seen["van1"]["late"]) == (3, [day.stops["A3"]])
    assert "van2" not in seen or seen["van2"]["state"] == "idle"


@pytest.mark.parametrize(
    ("lo", "hi", "minutes", "said"),
    [
        ("10:00", "11:00", 15, ("10:00", "11:00")),
        ("10:01", "10:59", 15, ("10:00", "11:00")),
        ("10:14", "11:01", 15, ("10:00", "11:15")),
        ("10:03", "10:03", 5, ("10:00", "10:05")),
        ("10:05", "10:05", 5, ("10:05", "10:05")),
    ],
)
def test_a_range_is_widened_to_whole_steps(lo: str, hi: str, minutes: int, said: tuple[str, str]) -> None:
    assert tracker.outward(at(lo), at(hi), minutes) == (at(said[0]), at(said[1]))
