"""When an order could be brought: today as the day runs, and on days that nobody has planned yet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import incidents
from core.errors import BadInput, NotFound, WrongState
from core.store import db as store
from tests.living import DAY, DEPOT, HOME, STEP, Living, an_order, at, load_and_leave
from tests.tools.a_case import planned
from tools import slots
from tools.engine import Engine
from tools.optimizer import Local
from tools.slots import Slot, Wanted

TOMORROW = DAY + timedelta(days=1)
NEW = Wanted(depot=DEPOT, lat=HOME[0] + STEP * 2.2, lon=HOME[1])


def of(order_id: str, now: str = "07:10", *, days: int = 1, hours: int = 2) -> tuple[Slot, ...]:
    with store.snapshot() as db:
        wanted = slots.of_order(db, order_id)
    return Local().slots(wanted, at(now), days=days, hours=hours)


def test_windows_of_today_and_of_days_without_a_plan(living: Living) -> None:
    day = planned(living)
    found = of(day.orders["A2"], days=2)
    assert {slot.day for slot in found} == {DAY, TOMORROW}
    assert [(s.lo, s.hi) for s in found] == sorted((s.lo, s.hi) for s in found)
    assert all(slot.hi - slot.lo == timedelta(hours=2) for slot in found)
    assert all(slot.lo >= at("07:10") for slot in found)
    assert {slot.vehicle for slot in found} <= {"van1", "van2"}


def test_what_is_behind_is_offered_no_more_and_the_length_can_be_chosen(living: Living) -> None:
    day = planned(living)
    morning, noon = of(day.orders["A2"], days=1, hours=1), of(day.orders["A2"], "12:10", days=1, hours=1)
    assert min(slot.lo for slot in noon) == at("13:00")
    assert len(noon) < len(morning)


def test_goods_aboard_come_today_with_their_van_only(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        load_and_leave(db, "van1", [day.orders[ref] for ref in ("A1", "A2", "A3")], at("08:00"))
    found = of(day.orders["A3"], "08:05", days=2)
    assert {slot.vehicle for slot in found if slot.day == DAY} == {"van1"}
    assert {slot.day for slot in found} == {DAY, TOMORROW}


def test_an_order_that_nobody_has_placed_yet(living: Living) -> None:
    planned(living)
    found = Local().slots(NEW, at("07:10"), days=1)
    far = Local().slots(NEW.model_copy(update={"lat": HOME[0] + STEP * 12}), at("07:10"), days=1)
    assert found
    assert min(s.cost_cents for s in found) < min(s.cost_cents for s in far)
    assert not Local().slots(NEW.model_copy(update={"skills": ("crane",)}), at("07:10"), days=1)
    assert not Local().slots(NEW.model_copy(update={"weight_g": 10**9}), at("07:10"), days=1)


def test_a_day_with_a_closed_road_is_priced_position_by_position(living: Living) -> None:
    planned(living)
    free = Local().slots(NEW, at("07:10"), days=1)
    with store.transaction() as db:
        closed = incidents.NewIncident(
            kind="road_closed", depot=DEPOT, until=at("18:00"), lat=HOME[0] + STEP * 2, lon=HOME[1], radius_m=2000
        )
        incidents.declare(db, closed, DAY, "a test", at("07:05"))
    slow = Local().slots(NEW, at("07:10"), days=1)
    assert slow
    assert min(s.cost_cents for s in slow) > min(s.cost_cents for s in free)


def test_an_engine_that_keeps_its_days_says_the_same_as_the_record(living: Living) -> None:
    day = planned(living)
    engine = Engine()
    with store.snapshot() as db:
        wanted = slots.of_order(db, day.orders["A2"])
    for now in ("07:10", "07:10", "09:30"):
        kept = engine.free_slots(wanted, at(now), 3, 2, None)
        assert kept == Local().slots(wanted, at(now), days=3)
    with store.transaction() as db:
        an_order(db, "N1", 3, day=TOMORROW)
    after = engine.free_slots(NEW, at("09:30"), 3, 2, None)
    assert after == Local().slots(NEW, at("09:30"), days=3)


def test_what_cannot_be_asked_says_why(living: Living) -> None:
    planned(living)
    with pytest.raises(BadInput, match="days"):
        Local().slots(NEW, at("07:10"), days=0)
    with pytest.raises(BadInput, match="hours"):
        Local().slots(NEW, at("07:10"), hours=13)
    with pytest.raises(NotFound, match="nowhere"):
        Local().slots(NEW.model_copy(update={"depot": "nowhere"}), at("07:10"))
    with store.transaction() as db:
        lost = an_order(db, "N2", lat=None, lon=None)
    with pytest.raises(WrongState, match="where N2 goes"):
        of(lost)
