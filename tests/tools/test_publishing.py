"""Publishing: one transaction for decision, plan, promises and messages; and what a day leaves over is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from core import cases, clock, custody, decisions, orders, plans, promises
from core.errors import NotAllowed, NotFound, Stale, WrongState
from core.store import db as store
from core.store.tables import case, timer
from tests.living import (
    DAY,
    DEPOT,
    Living,
    a_depot,
    a_draft,
    a_plan,
    a_van,
    an_order,
    at,
    deliver,
    load_and_leave,
    stop_of,
    tap,
    texts_to,
    the_case,
    who,
)
from tools import publishing
from tools.telling import promised_range

NOW = at("07:00")


class Desk:
    """A depot with two vans and three orders, nothing planned."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        a_depot(db)
        a_van(db, "van1")
        a_van(db, "van2")
        self.one, self.two, self.three = (an_order(db, f"A{n}", n) for n in (1, 2, 3))
        self.lia = who(db, "ops_lead")

    def publish(self, version: int) -> dict[str, object]:
        return publishing.publish(self.db, self.lia, DEPOT, DAY, version, clock.now(self.db))

    def statuses(self) -> list[str]:
        return [str(orders.get(self.db, o).status) for o in (self.one, self.two, self.three)]


@pytest.fixture
def desk(record: Connection) -> Desk:
    return Desk(record)


def test_a_whole_plan_is_published_and_everybody_told_a_time(desk: Desk) -> None:
    version = a_draft(desk.db, {"van1": [desk.one, desk.two], "van2": [desk.three]})
    came = desk.publish(version)
    assert (came["version"], came["promises"]) == (version, 3)
    assert desk.statuses() == ["planned"] * 3
    current = plans.current(desk.db, DEPOT, DAY)
    assert current is not None
    for order_id in (desk.one, desk.two, desk.three):
        told = promises.open_of(desk.db, order_id)
        visit = next(v for r in current.routes.values() for v in r.visits if v.stop == stop_of(desk.db, order_id))
        assert told is not None
        assert told.lo <= visit.arrival <= told.hi
        assert texts_to(desk.db, order_id) == ["promise"]


def test_the_decision_says_what_was_published_by_whom_and_from_what(desk: Desk) -> None:
    version = a_draft(desk.db, {"van1": [desk.one, desk.two, desk.three]})
    desk.publish(version)
    row = decisions.last_on(desk.db, f"plan:{DEPOT}:{DAY}")
    assert row is not None
    body = decisions.body(desk.db, row.id)
    assert (row.verdict, row.rule, row.approver) == ("auto", "publish.whole", None)
    assert body["applied"]["by"] == desk.lia.id
    assert set(body["inputs"]) == {"problem", "matrix", "solve", "policy"}
    assert set(body["outcome"]["routes"]) == {"van1"}


def test_publishing_again_changes_nothing(desk: Desk) -> None:
    version = a_draft(desk.db, {"van1": [desk.one, desk.two, desk.three]})
    first = desk.publish(version)
    assert desk.publish(version) == {"version": version, "digest": first["digest"], "promises": 0}
    assert len(decisions.of_case(desk.db, f"plan:{DEPOT}:{DAY}")) == 1
    assert texts_to(desk.db, desk.one) == ["promise"]


def test_a_plan_that_breaks_a_constraint_is_refused(desk: Desk) -> None:
    version = a_draft(desk.db, {"van1": [desk.one, desk.two, desk.three]}, violations=1)
    with pytest.raises(NotAllowed, match=r"publish\.broken"):
        desk.publish(version)
    assert plans.current(desk.db, DEPOT, DAY) is None
    assert desk.statuses() == ["new"] * 3


def test_whose_order_is_left_out_is_a_persons_decision_and_a_case(desk: Desk) -> None:
    version = a_draft(desk.db, {"van1": [desk.one, desk.two]})
    desk.publish(version)
    row = decisions.last_on(desk.db, f"plan:{DEPOT}:{DAY}")
    assert row is not None
    assert (row.verdict, row.rule, row.approver) == ("approved", "publish.leaves_out", desk.lia.id)
    assert desk.statuses() == ["planned", "planned", "unassigned"]
    opened = the_case(desk.db, "unassigned")
    assert (opened.subject, opened.facts["reason"]) == (stop_of(desk.db, desk.three), "no_vehicle")
    assert promises.open_of(desk.db, desk.three) is None


@pytest.mark.parametrize("what", ["departed", "arrived", "finished"])
def test_a_running_day_is_not_replaced_as_a_whole(desk: Desk, what: str) -> None:
    a_plan(desk.db, {"van1": [desk.one, desk.two, desk.three]})
    again = a_draft(desk.db, {"van2": [desk.one, desk.two, desk.three]})
    tap(desk.db, what, "van1", at("08:00"), stop_of(desk.db, desk.one) if what == "arrived" else "")
    with pytest.raises(WrongState, match="Vans are out"):
        desk.publish(again)


def test_a_van_of_yesterday_does_not_hold_up_today(desk: Desk) -> None:
    tap(desk.db, "departed", "van1", at("08:00") - timedelta(days=1))
    assert desk.publish(a_draft(desk.db, {"van1": [desk.one, desk.two, desk.three]}))["promises"] == 3


def test_a_draft_of_a_plan_that_has_moved_on_is_refused(desk: Desk) -> None:
    all_of_it = [desk.one, desk.two, desk.three]
    old, new = a_draft(desk.db, {"van1": all_of_it}), a_draft(desk.db, {"van2": all_of_it})
    desk.publish(new)
    with pytest.raises(Stale):
        desk.publish(old)


def test_an_unknown_draft_is_said_to_be_unknown(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no plan 9"):
        desk.publish(9)


def test_a_second_plan_tells_only_those_whose_time_no_longer_holds(desk: Desk) -> None:
    far = [an_order(desk.db, f"F{n}", 3 + n) for n in range(1, 9)]
    a_plan(desk.db, {"van1": [desk.one, desk.two, desk.three, *far]})
    told = promises.open_of(desk.db, desk.one)
    again = a_draft(desk.db, {"van1": [desk.two, desk.three, *far, desk.one]})
    assert desk.publish(again)["promises"] == 1
    assert texts_to(desk.db, desk.two) == ["promise"]
    assert texts_to(desk.db, desk.one) == ["promise", "promise"]
    now = promises.open_of(desk.db, desk.one)
    assert told is not None
    assert now is not None
    assert now.lo > told.lo


@pytest.mark.parametrize(
    ("windows", "arrival", "lo", "hi", "why"),
    [
        ([("09:00", "11:00")], "09:30", "09:00", "11:00", "a short wish of the customer's is the promise"),
        ([("09:00", "12:00")], "11:55", "09:00", "12:00", "three hours are short"),
        ([("08:00", "10:00"), ("16:00", "18:00")], "16:30", "16:00", "18:00", "the window that it falls into"),
    ],
)
def test_a_customer_who_named_a_short_time_is_promised_it(
    windows: list[tuple[str, str]], arrival: str, lo: str, hi: str, why: str
) -> None:
    said = [[clock.iso(at(a)), clock.iso(at(b))] for a, b in windows]
    assert promised_range(said, at(arrival)) == (at(lo), at(hi)), why


@pytest.mark.parametrize("arrival", ["08:00", "08:07", "09:14", "12:59", "19:30"])
@pytest.mark.parametrize("window", [None, ("08:00", "20:00"), ("07:50", "13:00")])
def test_what_is_promised_holds_the_arrival_and_keeps_within_a_long_window(
    arrival: str, window: tuple[str, str] | None
) -> None:
    said = [] if window is None else [[clock.iso(at(window[0])), clock.iso(at(window[1]))]]
    lo, hi = promised_range(said, at(arrival))
    assert lo <= at(arrival) <= hi
    assert hi - lo <= timedelta(hours=3)
    if window is not None and at(window[0]) <= at(arrival) <= at(window[1]):
        assert at(window[0]) <= lo < hi <= at(window[1])
    else:
        assert (lo.minute % 15, hi.minute % 15) == (0, 0)


# The end of the day


def test_at_midnight_a_published_day_is_closed(living: Living) -> None:
    with store.transaction() as db:
        desk = Desk(db)
        a_plan(db, {"van1": [desk.one, desk.two, desk.three]})
        due = db.execute(select(timer.c.due_at).where(timer.c.kind == "close_day")).scalar_one()
    assert due == clock.midnight(DAY + timedelta(days=1), "America/Chicago")
    assert ("close_day", f"{DEPOT} {DAY}") in living.pulse(due)
    with store.transaction() as db:
        assert [row.status for row in orders.of_day(db, DEPOT, DAY)] == ["returned"] * 3


def test_what_a_day_leaves_over_is_written_down_and_a_person_is_told(desk: Desk) -> None:
    a_plan(desk.db, {"van1": [desk.one, desk.two], "van2": [desk.three]})
    load_and_leave(desk.db, "van1", [desk.one, desk.two], at("08:00"))
    deliver(desk.db, "van1", desk.one, at("08:10"))
    left = publishing.close_day(desk.db, DEPOT, DAY, at("23:59"))
    assert sorted(left) == sorted([desk.two, desk.three])
    assert desk.statuses() == ["delivered", "out", "returned"], "what is on a van is for a person to find"
    assert custody.van_of(desk.db, desk.two) == "van1"
    assert promises.open_of(desk.db, desk.three) is None
    row = the_case(desk.db, "left_over")
    assert row.facts == {"at_depot": [desk.three], "aboard": [desk.two]}


def test_a_day_that_ended_well_opens_no_case(desk: Desk) -> None:
    desk.publish(a_draft(desk.db, {"van1": [desk.one], "van2": [desk.two, desk.three]}))
    load_and_leave(desk.db, "van1", [desk.one], at("08:00"))
    deliver(desk.db, "van1", desk.one, at("08:20"))
    for order_id, status in ((desk.two, "returned"), (desk.three, "rescheduled")):
        orders.set_status(desk.db, [order_id], status)
    assert publishing.close_day(desk.db, DEPOT, DAY, at("23:59")) == []
    assert desk.db.execute(select(case.c.id)).all() == []


def test_closing_a_day_twice_is_closing_it_once(desk: Desk) -> None:
    publishing.close_day(desk.db, DEPOT, DAY, at("23:50"))
    assert publishing.close_day(desk.db, DEPOT, DAY, at("23:59")) == []
    assert len(desk.db.execute(select(case.c.id)).all()) == 1
    assert cases.get(desk.db, the_case(desk.db, "left_over").id).version == 1


def test_another_day_is_left_alone(desk: Desk) -> None:
    tomorrow = an_order(desk.db, "T1", day=DAY + timedelta(days=1))
    publishing.close_day(desk.db, DEPOT, DAY, at("23:59"))
    assert orders.get(desk.db, tomorrow).status == "new"
