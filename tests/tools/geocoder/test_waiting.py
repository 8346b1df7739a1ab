"""A geocoder that does not answer: one case for all that wait, and everything is looked up when it does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from api.imports import take
from core import cases, events, orders, timers
from core.orders import Address
from core.store import db as store
from core.store.tables import case, order
from evals import ground
from tests.living import DAY, DEPOT, HOME, Living, a_depot, a_van, at
from tests.tools.a_case import case_row
from tools import outages
from tools.geocoder import waiting
from tools.geocoder.port import Found, Missed

PROVIDER = "provider:geocoder:street-map"
HERE = Found(lat=HOME[0] + 0.02, lon=HOME[1], precision="exact", within_m=10, source="street-map")


class StreetMap:
    """A geocoder that can be unplugged, and knows every street but one."""

    name = "street-map"
    up = False
    asked = 0

    def find(self, address: Address) -> Found | Missed:
        self.asked += 1
        if not self.up:
            return waiting.AWAY
        return Missed(reason="not_found") if "Nowhere" in address.text else HERE


@pytest.fixture
def streets(living: Living, monkeypatch: pytest.MonkeyPatch) -> StreetMap:
    made = StreetMap()
    for module in (take, waiting):
        monkeypatch.setattr(module, "geocoder", lambda: made)  # as the settings would have it
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
    return made


def take_in(*refs: str, street: str = "Elm St", day: str = "2026-06-02") -> list[tuple[str, str]]:
    """Import a file; returns (reason, case) of what could not be placed."""
    rows = [f"{ref},{ref},{n} {street}" for n, ref in enumerate(refs, 1)]
    file = "\n".join(["ref,name,address", *rows]).encode()
    done = take.take(file, "csv", DEPOT, datetime.fromisoformat(day).date())
    assert done.accepted == len(refs)
    return [(each.reason, each.case) for each in done.unplaced]


def pulse(living: Living, now: datetime) -> None:
    living.to(now)
    with store.transaction() as db:
        timers.fire(db, now)
    while (job := ground.take_job()) is not None:
        if job[0] == "geocode_again":
            waiting.again()


def open_kinds() -> list[str]:
    with store.transaction() as db:
        return sorted(db.execute(select(case.c.kind).where(case.c.closed_at.is_(None))).scalars())


def places() -> set[str]:
    with store.transaction() as db:
        return set(db.execute(select(order.c.place)).scalars())


def test_forty_addresses_that_nobody_could_look_up_are_one_case(living: Living, streets: StreetMap) -> None:
    unplaced = take_in(*(f"G{n}" for n in range(40)))
    assert unplaced == [("unavailable", "")] * 40
    assert streets.asked == outages.IN_A_ROW, "who is down is not asked forty times"
    assert open_kinds() == ["provider_down"]


def test_one_failure_is_no_outage_and_heals_by_itself(living: Living, streets: StreetMap) -> None:
    take_in("G1")
    assert open_kinds() == []
    streets.up = True
    pulse(living, at("07:02"))
    assert places() == {"exact"}
    assert open_kinds() == []


def test_failures_of_several_imports_add_up_and_an_answer_between_them_starts_anew(
    living: Living, streets: StreetMap
) -> None:
    take_in("G1")
    take_in("G2")
    streets.up = True
    take_in("G3")
    streets.up = False
    take_in("G4")
    take_in("G5")
    assert open_kinds() == []
    take_in("G6")
    assert open_kinds() == ["provider_down"]


def test_when_it_answers_all_are_placed_and_the_case_is_over(living: Living, streets: StreetMap) -> None:
    take_in(*(f"G{n}" for n in range(5)))
    take_in("N1", street="Nowhere Rd")
    with store.transaction() as db:
        opened = cases.open_of_kind(db, "provider_down", [PROVIDER])[PROVIDER]
    pulse(living, at("07:02"))
    assert places() == {"none"}
    assert streets.asked <= 2 * outages.IN_A_ROW + 2, "one try while it is down"
    streets.up = True
    pulse(living, at("07:04"))
    assert case_row(opened).reason_code == "answers_again"
    assert open_kinds() == ["address_problem"], "what it does not know is a person's"
    assert places() == {"exact", "none"}
    with store.transaction() as db:
        assert [fact.kind for fact in events.of(db, PROVIDER)] == ["provider.failed", "provider.down", "provider.up"]
    pulse(living, at("07:06"))
    assert open_kinds() == ["address_problem"]


def test_todays_orders_are_a_persons_and_later_ones_wait(living: Living, streets: StreetMap) -> None:
    take_in("G1", "G2", day="2026-06-09")
    take_in("G3", day=DAY.isoformat())
    with store.transaction() as db:
        assert waiting.measured(db, at("07:00")).model_dump() == {"waiting": 3, "urgent": 1, "other": False}
    living.work()
    with store.transaction() as db:
        row = db.execute(select(case).where(case.c.kind == "provider_down")).one()
    assert (row.status, row.reason_code) == ("waiting", "hold_messages.urgent")


def test_an_outage_that_holds_up_no_order_of_today_waits_by_itself_and_is_asked_again(
    living: Living, streets: StreetMap
) -> None:
    take_in("G1", "G2", "G3", day="2026-06-09")
    living.work()
    assert open_kinds() == []
    for minutes in (2, 4, 20, 32):
        pulse(living, at("07:00") + timedelta(minutes=minutes))
    assert open_kinds() == ["provider_down"]


def test_what_a_person_has_placed_is_left_alone(living: Living, streets: StreetMap) -> None:
    take_in("G1", "G2", "G3")
    with store.transaction() as db:
        for row in db.execute(select(order.c.id)).scalars().all():
            orders.put_place(db, row, orders.Place(lat=30.3, lon=-97.7, known="person"))
    asked = streets.asked
    pulse(living, at("07:02"))
    assert streets.asked == asked
    assert places() == {"person"}
    assert open_kinds() == []
