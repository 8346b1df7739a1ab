"""Actions: each changes what it says and nothing else, and refuses when the world has moved on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, select

from core import cases, clock, custody, orders, plans, promises
from core.errors import Stale
from core.store.tables import effect, parcel
from tests.living import (
    DAY,
    DEPOT,
    a_depot,
    a_plan,
    a_van,
    an_order,
    at,
    deliver,
    load_and_leave,
    stop_of,
    tap,
    texts_to,
)
from tools import actions, binding
from tools.actions import ACTIONS
from tools.job import Args, Job
from tools.kinds import action_kind
from tools.policy import default

NOW = at("07:30")


class Bench:
    """van1 has A1, A2, A3; van2 has B1. Planned and promised; a case on A1 is open."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        a_depot(db)
        a_van(db, "van1")
        a_van(db, "van2")
        self.order = {ref: an_order(db, ref, place) for ref, place in (("A1", 1), ("A2", 2), ("A3", 3), ("B1", 1.5))}
        self.stop = {ref: stop_of(db, order_id) for ref, order_id in self.order.items()}
        a_plan(db, {"van1": [self.order[r] for r in ("A1", "A2", "A3")], "van2": [self.order["B1"]]})
        self.case_id = cases.open_or_join(db, "predicted_late", self.stop["A1"], DEPOT, DAY, {}, NOW)[0]

    def run(self, action: str, **args: Any) -> dict[str, Any]:
        job = Job(self.db, cases.get(self.db, self.case_id), "dec_1", Args(option=action, **args), NOW)
        return ACTIONS[action](job)

    def stops(self, *refs: str) -> tuple[str, ...]:
        return tuple(self.stop[ref] for ref in refs)

    def routes(self) -> dict[str, tuple[str, ...]]:
        current = plans.current(self.db, DEPOT, DAY)
        assert current is not None
        return {v: r.stops for v, r in current.routes.items()}

    def told(self, ref: str) -> tuple[Any, Any]:
        row = promises.open_of(self.db, self.order[ref])
        assert row is not None
        return row.lo, row.hi


@pytest.fixture
def bench(record: Connection) -> Bench:
    return Bench(record)


def test_every_action_has_a_level_in_the_policy_that_ships() -> None:
    assert set(ACTIONS) <= set(default().levels)


def test_leaving_today_is_a_reschedule_when_the_customer_asked_for_it() -> None:
    assert action_kind("reschedule", {"kind": "postpone"}) == "reschedule"
    assert action_kind("reschedule", {"kind": "wait"}) == "decline", "and an answer is owed when it does not go"
    assert action_kind("predicted_late", {"kind": "postpone"}) == "postpone"
    assert action_kind("predicted_late", {"kind": "wait"}) == "wait"


def test_arguments_are_exact() -> None:
    with pytest.raises(ValidationError):
        Args(option="wait", refund_cents=100)  # type: ignore[call-arg]


def test_waiting_changes_nothing(bench: Bench) -> None:
    before = bench.routes(), bench.told("A1")
    assert bench.run("wait") == {}
    assert (bench.routes(), bench.told("A1")) == before


# Telling a new time


def test_a_new_time_is_told_and_promised_around_the_arrival(bench: Bench) -> None:
    arrival = at("10:20")
    came = bench.run("retell", retold=bench.stops("A1"), arrivals={bench.stop["A1"]: clock.iso(arrival)})
    lo, hi = bench.told("A1")
    assert lo <= arrival <= hi
    assert len(came["promises"]) == 1
    assert texts_to(bench.db, bench.order["A1"]) == ["promise", "retell"]


def test_a_promised_time_never_begins_in_the_past(bench: Bench) -> None:
    bench.run("retell", retold=bench.stops("A1"), arrivals={bench.stop["A1"]: clock.iso(NOW + timedelta(minutes=1))})
    assert bench.told("A1")[0] >= NOW


def test_everybody_at_the_door_is_told(bench: Bench) -> None:
    neighbour = an_order(bench.db, "A1b", 1)
    promises.make(bench.db, neighbour, at("08:00"), at("09:00"), "msg_n", NOW)
    bench.run("retell", retold=bench.stops("A1"), arrivals={bench.stop["A1"]: clock.iso(at("10:20"))})
    assert texts_to(bench.db, neighbour) == ["retell"]


def test_who_was_promised_nothing_or_has_their_parcel_is_not_told(bench: Bench) -> None:
    neighbour = an_order(bench.db, "A1b", 1)
    orders.set_status(bench.db, [bench.order["A1"]], "delivered")
    came = bench.run("retell", retold=bench.stops("A1"), arrivals={bench.stop["A1"]: clock.iso(at("10:20"))})
    assert came == {"promises": []}
    assert texts_to(bench.db, neighbour) == []


# Changing routes


def test_a_change_is_a_new_version_and_each_moved_stop_is_in_the_ledger(bench: Bench) -> None:
    before = bench.routes()
    new = {"van1": bench.stops("A2", "A3"), "van2": bench.stops("A1", "B1")}
    came = bench.run("reassign", routes=new)
    assert bench.routes() == new
    assert came["before"] == {v: list(stops) for v, stops in before.items()}
    ledger = bench.db.execute(select(effect.c.target).where(effect.c.action == "stop.move")).scalars().all()
    assert bench.stop["A1"] in ledger
    assert bench.stop["A2"] not in ledger, "it only moved up"
    assert plans.get(bench.db, DEPOT, DAY, came["version"]).made_by == {"decision": "dec_1"}


def test_routes_that_are_not_named_stay_as_they_are(bench: Bench) -> None:
    bench.run("resequence", routes={"van1": bench.stops("A2", "A1", "A3")})
    assert bench.routes()["van2"] == bench.stops("B1")


def test_what_is_behind_the_van_stays_in_front_of_the_list(bench: Bench) -> None:
    load_and_leave(bench.db, "van1", [bench.order[r] for r in ("A1", "A2", "A3")], at("08:00"))
    deliver(bench.db, "van1", bench.order["A1"], at("08:10"))
    bench.run("resequence", routes={"van1": bench.stops("A2", "A3")})
    assert bench.routes()["van1"] == bench.stops("A1", "A2", "A3")


def test_a_stop_that_was_served_meanwhile_drops_out_when_it_was_not_the_one_to_move(bench: Bench) -> None:
    orders.set_status(bench.db, [bench.order["A1"]], "delivered")
    bench.run("resequence", routes={"van1": bench.stops("A1", "A3", "A2")})
    assert bench.routes()["van1"] == bench.stops("A1", "A3", "A2")


def test_a_stop_that_was_served_meanwhile_can_not_be_moved(bench: Bench) -> None:
    orders.set_status(bench.db, [bench.order["A2"]], "delivered")
    before = bench.routes()
    with pytest.raises(Stale, match="1 of the stops"):
        bench.run("resequence", routes={"van1": bench.stops("A2", "A1", "A3")})
    assert bench.routes() == before


@pytest.mark.parametrize("arrived", [False, True], ids=["heads to it", "serves it"])
def test_the_stop_that_a_van_is_at_or_heads_to_is_not_put_behind_another(bench: Bench, arrived: bool) -> None:
    load_and_leave(bench.db, "van1", [bench.order[r] for r in ("A1", "A2", "A3")], at("08:00"))
    if arrived:
        tap(bench.db, "arrived", "van1", at("08:08"), bench.stop["A1"])
    with pytest.raises(Stale, match="heads to a stop"):
        bench.run("resequence", routes={"van1": bench.stops("A2", "A1", "A3")})
    bench.run("resequence", routes={"van1": bench.stops("A1", "A3", "A2")})
    assert bench.routes()["van1"] == bench.stops("A1", "A3", "A2")


def test_an_order_is_taken_off_also_when_another_stop_was_served_meanwhile(bench: Bench) -> None:
    load_and_leave(bench.db, "van1", [bench.order[r] for r in ("A1", "A2", "A3")], at("08:00"))
    deliver(bench.db, "van1", bench.order["A1"], at("08:10"))
    bench.run("cancel", orders=(bench.order["A3"],), routes={"van1": bench.stops("A1", "A2")})
    assert orders.get(bench.db, bench.order["A3"]).status == "cancelled"


def test_a_change_without_a_plan_is_stale(record: Connection) -> None:
    a_depot(record)
    case_id = cases.open_or_join(record, "predicted_late", "stp_1", DEPOT, DAY, {}, NOW)[0]
    job = Job(record, cases.get(record, case_id), "dec_1", Args(option="x", routes={"van1": ("stp_1",)}), NOW)
    with pytest.raises(Stale, match="no published plan"):
        actions.change_routes(job)


def test_an_order_that_was_left_out_is_planned_and_told_when_a_route_takes_it(bench: Bench) -> None:
    left = an_order(bench.db, "C1", 2.5)
    orders.set_status(bench.db, [left], "unassigned")
    here = stop_of(bench.db, left)
    bench.run(
        "reassign",
        routes={"van2": (*bench.stops("B1"), here)},
        arrivals={here: clock.iso(at("08:40"))},
        orders=(left,),
    )
    told = promises.open_of(bench.db, left)
    assert orders.get(bench.db, left).status == "planned"
    assert told is not None
    assert told.lo <= at("08:40") <= told.hi
    assert texts_to(bench.db, left) == ["promise"]


# What a proposal rests on


def test_a_proposal_rests_on_the_routes_it_changes_and_the_promises_it_touches(bench: Bench) -> None:
    args = Args(option="x", routes={"van1": bench.stops("A2", "A1", "A3")}, orders=(bench.order["A1"],))

    def rests() -> dict[str, Any]:
        return binding.binds(bench.db, cases.get(bench.db, bench.case_id), args)

    first = rests()
    promises.make(bench.db, bench.order["B1"], at("08:00"), at("09:00"), "msg_b", NOW)
    bench.run("resequence", routes={"van2": bench.stops("B1")})
    assert rests() == first, "others' routes and promises are nothing to it"
    promises.make(bench.db, bench.order["A1"], at("08:00"), at("09:00"), "msg_a", NOW)
    second = rests()
    assert second != first
    bench.run("resequence", routes={"van1": bench.stops("A1", "A3", "A2")})
    assert rests() != second


# Another day


def again(bench: Bench, ref: str) -> Any:
    row = orders.by_ref(bench.db, ref)
    assert row is not None
    return row


def test_a_postponed_order_is_a_second_attempt_tomorrow_with_its_parcels(bench: Bench) -> None:
    old = bench.order["A1"]
    bench.run("postpone", orders=(old,), routes={"van1": bench.stops("A2", "A3")})
    second = again(bench, "A1/2")
    assert (second.day, second.status, second.person_id) == (
        DAY + timedelta(days=1), "new", orders.get(bench.db, old).person_id,
    )  # fmt: skip
    assert orders.get(bench.db, old).status == "rescheduled"
    assert custody.holders(bench.db, old) == set()
    assert len(bench.db.execute(select(parcel).where(parcel.c.order_id == second.id)).all()) == 1
    assert promises.open_of(bench.db, old) is None
    assert texts_to(bench.db, old) == ["promise", "rescheduled"]
    assert bench.stop["A1"] not in orders.open_stops(bench.db, DEPOT, DAY)


def test_a_reschedule_goes_to_the_day_that_was_asked_for(bench: Bench) -> None:
    bench.run("reschedule", orders=(bench.order["A1"],), day="2026-06-09")
    assert again(bench, "A1/2").day == date(2026, 6, 9)


@pytest.mark.parametrize(
    ("ref", "second", "why"),
    [
        ("X1", "X1/2", "the first time"),
        ("X1/2", "X1/3", "the second time"),
        ("X1/9", "X1/10", "and so on"),
        ("X/A", "X/A/2", "a slash of the client's own"),
        ("/", "//2", "even an odd one"),
    ],
)
def test_attempts_are_counted_in_the_reference(bench: Bench, ref: str, second: str, why: str) -> None:
    bench.run("postpone", orders=(an_order(bench.db, ref, 4),))
    assert orders.by_ref(bench.db, second) is not None, why


def test_an_attempt_takes_no_reference_that_is_in_use(bench: Bench) -> None:
    first, taken = an_order(bench.db, "12/7", 4), an_order(bench.db, "12/8", 5)
    bench.run("postpone", orders=(first,))
    assert orders.get(bench.db, taken).day == DAY
    assert again(bench, "12/9").day == DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "moved", "why"),
    [
        (date(2026, 6, 2), date(2026, 6, 3), "any day"),
        (date(2026, 3, 7), date(2026, 3, 9), "into summer time"),
        (date(2026, 10, 31), date(2026, 11, 2), "out of it"),
    ],
)
def test_a_window_keeps_its_wall_clock_time_on_the_other_day(bench: Bench, day: date, moved: date, why: str) -> None:
    order_id = an_order(bench.db, "W1", 4, day=day, windows=[(at("09:00", day), at("12:00", day))])
    bench.run("reschedule", orders=(order_id,), day=moved.isoformat())
    assert again(bench, "W1/2").windows == [[clock.iso(at("09:00", moved)), clock.iso(at("12:00", moved))]], why


@pytest.mark.parametrize("status", sorted(orders.FINAL))
def test_what_has_ended_meanwhile_is_not_moved(bench: Bench, status: str) -> None:
    orders.set_status(bench.db, [bench.order["A1"]], status)
    with pytest.raises(Stale, match=status):
        bench.run("postpone", orders=(bench.order["A1"],))
    assert orders.by_ref(bench.db, "A1/2") is None


def test_goods_that_were_loaded_meanwhile_do_not_jump_to_another_van(bench: Bench) -> None:
    tap(bench.db, "loaded", "van1", NOW, orders=[bench.order["A1"]])
    with pytest.raises(Stale, match="can't go with van2"):
        bench.run("reassign", routes={"van1": bench.stops("A2", "A3"), "van2": bench.stops("A1", "B1")})


def test_a_stop_at_which_a_van_stands_by_now_is_not_given_to_another(bench: Bench) -> None:
    """Its goods are at the depot: a second order came in for a door that the van has been to before."""
    load_and_leave(bench.db, "van1", [bench.order["A2"]], at("08:00"))
    tap(bench.db, "arrived", "van1", at("08:08"), bench.stop["A1"])
    before = bench.routes()
    with pytest.raises(Stale, match="is at one of the stops"):
        bench.run("reassign", routes={"van1": bench.stops("A2", "A3"), "van2": bench.stops("A1", "B1")})
    assert bench.routes() == before


def test_goods_at_the_depot_do_not_catch_up_with_a_van_that_has_left(bench: Bench) -> None:
    load_and_leave(bench.db, "van2", [bench.order["B1"]], NOW)
    with pytest.raises(Stale, match="can't go with van2"):
        bench.run("reassign", routes={"van1": bench.stops("A2", "A3"), "van2": bench.stops("B1", "A1")})
