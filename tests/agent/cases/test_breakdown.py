"""A van breaks down with goods aboard: one case, one decision, goods that change hands by two scans, and a close."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from agent import replay
from core import breakdowns, custody, decisions, orders, promises, reconciliation, transfers, vans
from core.clock import iso
from core.errors import BadInput, DoorstepError, NotAllowed, WrongState
from core.store import db as store
from core.store.tables import breakdown, case, event, message, parcel, timer, transfer, van
from tests.living import (
    DAY,
    DEPOT,
    HOME,
    STEP,
    Day,
    Living,
    a_day,
    an_order,
    at,
    deliver,
    load_and_leave,
    look,
    tap,
    texts_to,
)
from tests.tools.a_case import Picks, approve, asked, case_row, decided, open_cases, routes, undo
from tools import publishing

NOW = at("08:20")
PLACE: dict[str, Any] = {"lat": HOME[0] + STEP * 1.5, "lon": HOME[1]}
VANS = {"van1": ["A1", "A2", "A3", "A4"], "van2": ["B1", "B2"], "van3": ["C1", "C2"]}
PLACES = {"A1": 1, "A2": 2, "A3": 3, "A4": 4, "B1": 1.2, "B2": 2.2, "C1": 6, "C2": 7}


def out(living: Living) -> Day:
    """All three vans have left; van1 has served its first door."""
    day = a_day(living, VANS, PLACES)
    with store.transaction() as db:
        for van, refs in VANS.items():
            load_and_leave(db, van, [day.orders[ref] for ref in refs], at("08:00"))
        deliver(db, "van1", day.orders["A1"], at("08:10"))
    living.to(NOW)
    look(NOW)
    living.work()
    return day


def breaks(minutes: int | None = None, van: str = "van1", **data: Any) -> str:
    """The tap, and the case that it opened."""
    with store.transaction() as db:
        tap(db, "breakdown", van, NOW, reason="engine", minutes=minutes, **{**PLACE, **data})
        return str(db.execute(select(case.c.id).where(case.c.kind == "breakdown", case.c.subject == van)).scalar_one())


def meeting(case_id: str, van: str) -> str:
    return transfers.identify(case_row(case_id).facts["breakdown"], van)


def holder(order_id: str) -> set[str]:
    with store.transaction() as db:
        return custody.holders(db, order_id)


def agreed(living: Living, case_id: str, option: str) -> None:
    """That option is taken, by a person where policy asks one."""
    living.work(planner=Picks(option))
    if case_row(case_id).status == "waiting":
        approve(case_id, asked(case_id).digest)
        living.work()


def rescued(living: Living, minutes: int | None = None) -> tuple[Day, str]:
    """van2 is sent to van1."""
    day = out(living)
    case_id = breaks(minutes)
    agreed(living, case_id, "rescue:van2")
    return day, case_id


def meet(case_id: str, day: Day, gave: list[str], took: list[str], **data: Any) -> None:
    made = meeting(case_id, "van2")
    with store.transaction() as db:
        tap(db, "arrived", "van2", at("08:30"), day.stops["B1"])
        tap(db, "delivered", "van2", at("08:33"), day.orders["B1"], proof={"kind": "photo"})
        tap(db, "arrived", "van2", at("08:40"), made)
        if gave:
            tap(db, "gave", "van1", at("08:42"), transfer=made, orders=[day.orders[ref] for ref in gave])
        if took:
            tap(db, "took", "van2", at("08:44"), transfer=made, orders=[day.orders[ref] for ref in took], **data)


def test_one_case_about_all_that_is_left(living: Living) -> None:
    day = out(living)
    case_id = breaks()
    row = case_row(case_id)
    assert row.facts["stops"] == [day.stops[ref] for ref in ("A2", "A3", "A4")]
    assert look(NOW + timedelta(minutes=1)) == [], "what turns late by it is a member"
    assert set(open_cases()) <= {"breakdown", "predicted_late"}
    with store.transaction() as db:
        members = db.execute(select(case.c.status).where(case.c.kind == "predicted_late")).scalars().all()
    assert set(members) <= {"folded"}


def test_a_second_tap_joins_and_corrects_the_minutes(living: Living) -> None:
    out(living)
    case_id = breaks()

    def minutes_late() -> int:
        living.work(planner=Picks("postpone"))
        return int(next(o["minutes_late"] for o in case_row(case_id).options if o["id"] == "repair"))

    assumed = minutes_late()
    with store.transaction() as db:
        tap(db, "breakdown", "van1", NOW, key="again", reason="engine", minutes=30)
    assert minutes_late() < assumed
    with store.transaction() as db:
        assert db.execute(select(func.count()).select_from(breakdown)).scalar_one() == 1


def test_every_way_is_offered_and_doing_nothing_always(living: Living) -> None:
    out(living)
    case_id = breaks(minutes=90)
    living.work()
    found = {o["id"]: o for o in case_row(case_id).options}
    assert {"wait", "repair", "rescue:van2", "rescue:van3", "rescue", "carrier", "postpone"} == found.keys()
    assert found["wait"]["feasible"]
    assert found["rescue:van2"]["feasible"]
    assert found["postpone"]["left"] == found["postpone"]["left"] != []
    near, far = found["rescue:van2"]["cost_cents"], found["rescue:van3"]["cost_cents"]
    assert near < far, "the van that is nearer costs less"
    assert found["repair"]["minutes_late"] == found["wait"]["minutes_late"]


def test_the_rescue_moves_the_list_and_tells_both_drivers_but_no_parcel_jumps(living: Living) -> None:
    day, case_id = rescued(living)
    made = meeting(case_id, "van2")
    route = routes()["van2"]
    assert route[0] == day.stops["B1"], "the stop that it heads to stays first"
    taken = [day.stops[ref] for ref in ("A2", "A3", "A4")]
    assert all(route.index(made) < route.index(stop) for stop in taken)
    assert not set(taken) & set(routes()["van1"])
    assert holder(day.orders["A2"]) == {"van:van1"}
    assert case_row(case_id).status == "acting", "open until both have scanned"
    with store.transaction() as db:
        lines = db.execute(select(message.c.body).where(message.c.person_id.is_(None))).scalars().all()
    assert any("van2 is expected" in line for line in lines)
    assert any("take 3 orders over from van1" in line for line in lines)


def test_both_scans_move_the_goods_and_close_the_case(living: Living) -> None:
    day, case_id = rescued(living)
    meet(case_id, day, ["A2", "A3", "A4"], [])
    assert holder(day.orders["A2"]) == {"van:van1"}, "one scan is not enough"
    meet(case_id, day, [], ["A2", "A3", "A4"])
    living.work()
    assert holder(day.orders["A2"]) == {"van:van2"}
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("closed", "done")
    with store.transaction() as db:
        deliver(db, "van2", day.orders["A2"], at("09:00"))
        assert custody.holders(db, day.orders["A2"]) != {"van:van2"}
        body = decisions.body(db, decided(case_id)[0].id)
        assert replay.recompute(db, body["inputs"], Picks("rescue:van2")) == body["outcome"]


def test_the_taker_may_scan_first(living: Living) -> None:
    day, case_id = rescued(living)
    meet(case_id, day, [], ["A2", "A3", "A4"])
    assert holder(day.orders["A4"]) == {"van:van1"}
    with store.transaction() as db:
        tap(
            db, "gave", "van1", at("08:50"), transfer=meeting(case_id, "van2"),
            orders=[day.orders[ref] for ref in ("A2", "A3", "A4")],
        )  # fmt: skip
    assert holder(day.orders["A4"]) == {"van:van2"}


def test_what_one_of_them_did_not_scan_goes_to_a_person(living: Living) -> None:
    day, case_id = rescued(living)
    meet(case_id, day, ["A2", "A3", "A4"], ["A2", "A3"], done=True)
    living.work()
    assert "custody_mismatch" in open_cases()
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "custody_mismatch")).one()
    assert row.facts["orders"] == [day.orders["A4"]]
    assert (holder(day.orders["A3"]), holder(day.orders["A4"])) == ({"van:van2"}, {"van:van1"})
    with store.transaction() as db:
        state = reconciliation.of_day(db, DAY)
    assert state.mismatches == ()


def test_an_order_that_changed_no_hands_cannot_be_delivered_by_the_other_van(living: Living) -> None:
    day, _ = rescued(living)
    with store.transaction() as db, pytest.raises(WrongState):
        tap(db, "delivered", "van2", at("08:50"), day.orders["A2"], proof={"kind": "photo"})


@pytest.mark.parametrize(
    ("van", "kind", "data", "error", "field"),
    [
        ("van3", "took", {}, NotAllowed, "vehicle"),
        ("van1", "gave", {"orders": []}, BadInput, "data.orders"),
        ("van1", "gave", {"transfer": "none"}, DoorstepError, "data.transfer"),
        ("van1", "gave", {"orders": ["ord_other"]}, WrongState, "data.orders"),
    ],
)
def test_a_scan_that_fits_no_transfer_is_refused(
    living: Living, van: str, kind: str, data: dict[str, Any], error: type[DoorstepError], field: str
) -> None:
    day, case_id = rescued(living)
    given = {"transfer": meeting(case_id, "van2"), "orders": [day.orders["A2"]]} | data
    with store.transaction() as db, pytest.raises(error) as refused:
        tap(db, kind, van, at("08:42"), **given)
    assert refused.value.field == field


def test_waiting_for_the_repair_retimes_the_list_and_tells_in_one_batch(living: Living) -> None:
    day = out(living)
    case_id = breaks(minutes=150)
    agreed(living, case_id, "repair")
    assert case_row(case_id).reason_code == "done"
    assert [t for t in texts_to_all(day) if t == "retell"] != []
    with store.transaction() as db:
        told = promises.open_of(db, day.orders["A4"])
    assert told is not None
    assert told.hi > NOW + timedelta(minutes=150)


def test_while_nobody_knows_how_long_no_time_is_told(living: Living) -> None:
    day = out(living)
    case_id = breaks()
    with store.transaction() as db:
        before = [promises.open_of(db, day.orders[ref]) for ref in ("A2", "A3", "A4")]
    agreed(living, case_id, "repair")
    assert case_row(case_id).reason_code == "done"
    told = [text for text in texts_to_all(day) if text.startswith("retell")]
    assert set(told) == {"retell_untimed"}
    with store.transaction() as db:
        assert [promises.open_of(db, day.orders[ref]) for ref in ("A2", "A3", "A4")] == before


def texts_to_all(day: Day) -> list[str]:
    with store.transaction() as db:
        return [text for ref in ("A2", "A3", "A4") for text in texts_to(db, day.orders[ref])]


def test_the_next_day_takes_a_person_and_the_goods_come_home_with_the_van(living: Living) -> None:
    day = out(living)
    case_id = breaks()
    living.work(planner=Picks("postpone"))
    assert case_row(case_id).status == "waiting"
    approve(case_id, asked(case_id).digest)
    living.work()
    assert case_row(case_id).reason_code == "done"
    assert texts_to_all(day).count("rescheduled") == 3
    with store.transaction() as db:
        tap(db, "repaired", "van1", at("10:00"))
        tap(db, "finished", "van1", at("10:30"))
        assert custody.aboard(db, "van1") == []


def test_a_van_that_goes_on_is_weighed_again(living: Living) -> None:
    out(living)
    case_id = breaks(minutes=120)
    living.work(planner=Picks("postpone"))
    shown = asked(case_id).digest
    living.to(at("08:30"))
    with store.transaction() as db:
        tap(db, "repaired", "van1", at("08:30"))
        assert breakdowns.open_of(db, "van1") is None
    look(at("08:30"))
    living.work()
    row = case_row(case_id)
    assert row.status == "closed" or asked(case_id).digest != shown
    assert {o["id"]: o for o in row.options}["wait"]["minutes_late"] == 0


def test_a_tap_that_shows_it_moving_ends_the_breakdown(living: Living) -> None:
    day = out(living)
    breaks()
    with store.transaction() as db:
        tap(db, "arrived", "van1", at("09:00"), day.stops["A2"])
        assert breakdowns.open_of(db, "van1") is None


def test_undo_calls_the_transfer_off_and_puts_the_lists_back(living: Living) -> None:
    out(living)
    before = routes()
    case_id = breaks()
    agreed(living, case_id, "rescue:van2")
    done = undo(decided(case_id)[-1].id, NOW)
    assert any("called off" in line for line in done["undone"])
    assert routes() == before | {"van1": routes()["van1"]}
    with store.transaction() as db:
        assert db.execute(select(transfer.c.status)).scalars().all() == ["void"]


@pytest.mark.parametrize(
    ("data", "field"),
    [({"reason": ""}, "data.reason"), ({"reason": "tired"}, "data.reason"), ({"minutes": "soon"}, "data.minutes"),
     ({"minutes": -5}, "data.minutes"), ({"lat": 95}, "data.lat"), ({"lat": 30.0, "lon": None}, "data.lat")],
)  # fmt: skip
def test_a_breakdown_that_says_too_little_is_refused(living: Living, data: dict[str, Any], field: str) -> None:
    out(living)
    with store.transaction() as db, pytest.raises(BadInput) as refused:
        tap(db, "breakdown", "van1", NOW, **{"reason": "tyre", **PLACE, **data})
    assert refused.value.field == field


def test_the_place_and_the_words_stay_out_of_the_event(living: Living) -> None:
    out(living)
    breaks(note="I am at my cousin's house")
    with store.transaction() as db:
        data = db.execute(select(event.c.data).where(event.c.kind == "driver.breakdown")).scalar_one()
        kept = db.execute(select(breakdown.c.note)).scalar_one()
    assert data == {"reason": "engine", "minutes": None}
    assert kept == "I am at my cousin's house"


def test_a_van_that_breaks_at_the_depot_is_relieved_without_a_meeting(living: Living) -> None:
    day = a_day(living, VANS, PLACES)
    living.to(at("07:45"))
    with store.transaction() as db:
        tap(db, "breakdown", "van1", at("07:45"), reason="battery")
        case_id = db.execute(select(case.c.id).where(case.c.kind == "breakdown")).scalar_one()
    agreed(living, case_id, "rescue:van2")
    assert {day.stops[ref] for ref in VANS["van1"]} <= set(routes()["van2"])
    assert not any(stop.startswith("brk_") for stop in routes()["van2"])
    assert iso(at("07:45"))


def test_vans_that_do_not_meet_are_asked_and_a_person_is_too_until_they_do(living: Living) -> None:
    day, case_id = rescued(living)
    with store.transaction() as db:
        due = db.execute(select(timer.c.due_at).where(timer.c.kind == "transfer_overdue")).scalar_one()
    living.pulse(due)
    assert "transfer_overdue" in open_cases()
    meet(case_id, day, ["A2", "A3", "A4"], ["A2", "A3", "A4"])
    living.work()
    assert "transfer_overdue" not in open_cases()
    assert case_row(case_id).reason_code == "done"


def test_the_van_heads_to_the_meeting_before_it_goes_on_to_what_it_fetches_there(living: Living) -> None:
    day, case_id = rescued(living)
    with store.transaction() as db:
        deliver(db, "van2", day.orders["B1"], at("08:30"))
        ahead = vans.open_route(db, "van2", "dep", case_row(case_id).day)
        van2 = vans.of_vehicle(db, "van2")
    assert meeting(case_id, "van2") == ahead[0]
    assert van2 is not None
    assert van2.stop_id == ahead[0]


def test_a_meeting_in_time_asks_nobody(living: Living) -> None:
    day, case_id = rescued(living)
    meet(case_id, day, ["A2", "A3", "A4"], ["A2", "A3", "A4"])
    living.pulse(at("11:00"))
    assert "transfer_overdue" not in open_cases()


def test_what_was_not_handed_over_by_the_end_of_the_day_goes_to_a_person(living: Living) -> None:
    _, case_id = rescued(living)
    with store.transaction() as db:
        publishing.close_day(db, DEPOT, DAY, at("23:59"))
        assert db.execute(select(transfer.c.status)).scalars().all() == ["void"]
    living.work()
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("escalated", "effect_failed")


def test_goods_that_were_moved_to_another_day_change_vans_under_their_new_number(living: Living) -> None:
    day, case_id = rescued(living)
    with store.transaction() as db:
        old = orders.get(db, day.orders["A3"])
        again = an_order(db, "A3/2", 3)
        db.execute(update(parcel).where(parcel.c.order_id == again).values(order_id=day.orders["A1"]))
        db.execute(update(parcel).where(parcel.c.order_id == old.id).values(order_id=again))
        orders.set_status(db, [old.id], "rescheduled")
    meet(case_id, day, ["A2", "A3", "A4"], ["A2", "A3", "A4"])
    assert holder(again) == {"van:van2"}


def test_the_next_stop_of_the_van_that_comes_is_frozen(living: Living) -> None:
    """What a driver heads to is never taken away, whatever is decided meanwhile."""
    day = out(living)
    with store.transaction() as db:
        before = db.execute(select(van.c.stop_id).where(van.c.vehicle_id == "van2")).scalar_one()
    agreed(living, breaks(), "rescue:van2")
    with store.transaction() as db:
        after = db.execute(select(van.c.stop_id).where(van.c.vehicle_id == "van2")).scalar_one()
        ahead = vans.open_route(db, "van2", DEPOT, DAY)
    assert before == after == ahead[0] == day.stops["B1"]
