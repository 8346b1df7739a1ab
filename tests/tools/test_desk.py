"""The one door: whatever a planner says, nobody reads or changes what is not theirs, and no rule means no."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, update

from core import cases, orders
from core.errors import BadInput, NotAllowed, NotFound, WrongState
from core.principals import SYSTEM, Principal
from core.store import db as store
from core.store.tables import order
from tests.living import (
    DAY,
    DEPOT,
    Living,
    a_depot,
    a_van,
    an_order,
    at,
    customer_of,
    who,
)
from tests.tools.a_case import (
    NOW,
    case_row,
    planned,
    staff,
    world,
)
from tools import desk, looking

TODAY = at("09:00")


class Shop:
    """Ana has order A1, Ben has B1; dan dispatches, eve drives."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        a_depot(db)
        a_van(db)
        self.a1, self.b1 = an_order(db, "A1"), an_order(db, "B1", 2)
        self.ana, self.ben = customer_of(db, self.a1), customer_of(db, self.b1)
        self.by = {role: who(db, role) for role in ("driver", "integrator", "dispatcher", "ops_lead", "admin")}
        self.by |= {"customer": self.ana, "system": SYSTEM}

    def look(self, role: str, tool: str, **args: str) -> dict[str, Any]:
        return {f["name"]: f["value"] for f in desk.look(self.db, self.by[role], tool, args, TODAY)}

    def propose(self, who: Principal, action: str = "reschedule", **args: str) -> str:
        return desk.propose(self.db, who, action, args, TODAY)


@pytest.fixture
def shop(record: Connection) -> Shop:
    return Shop(record)


# Reading


CLAIMS = {"missing_delivery", "damage"}


@pytest.mark.parametrize(
    ("role", "inside"),
    [
        (
            "customer",
            {
                "tracker.order_status",
                "proof.lookup",
                "reschedule",
                "cancel",
                "choose",
                "instruct",
                "slots.offer",
                *CLAIMS,
            },
        ),
        ("driver", set()),
        ("integrator", {"cancel", *CLAIMS}),
        ("system", set()),
    ],
)
def test_who_is_no_staff_has_a_small_box(shop: Shop, role: str, inside: set[str]) -> None:
    assert set(desk.box(shop.by[role])) == inside


@pytest.mark.parametrize("role", ["dispatcher", "ops_lead", "admin"])
def test_staff_have_the_whole_box(shop: Shop, role: str) -> None:
    assert set(desk.box(shop.by[role])) == looking.TOOLS.keys() | desk.PROPOSALS.keys() - {"choose", "instruct"}


@pytest.mark.parametrize("tool", ["message.send", "postpone", "plan.publish", "desk.act", "shell", "", "../policy"])
@pytest.mark.parametrize("role", ["customer", "driver", "dispatcher", "admin"])
def test_a_tool_that_is_in_no_box_is_not_run(shop: Shop, role: str, tool: str) -> None:
    with pytest.raises(NotAllowed, match="has no tool"):
        shop.look(role, tool, order="A1")


@pytest.mark.parametrize("role", ["customer", "driver", "integrator", "system"])
@pytest.mark.parametrize("tool", ["fleet.status", "carriers.quote"])
def test_a_tool_of_another_roles_box_is_not_run(shop: Shop, role: str, tool: str) -> None:
    with pytest.raises(NotAllowed, match=f"A {role} has no tool"):
        shop.look(role, tool, order="A1")


@pytest.mark.parametrize("tool", ["tracker.order_status", "proof.lookup"])
@pytest.mark.parametrize("ref", ["B1", "b1", "%", "_1", "B%", "' OR 1=1 --", "\\"])
def test_to_a_customer_the_orders_of_others_do_not_exist(shop: Shop, tool: str, ref: str) -> None:
    assert shop.look("customer", tool, order=ref) == {"not_found": ref}


def test_a_customer_sees_their_own_order(shop: Shop) -> None:
    assert shop.look("customer", "tracker.order_status", order="a1")["order"] == "A1"
    assert shop.look("customer", "tracker.order_status")["order"] == "A1", "it needs no name when there is one"


def test_a_customer_with_many_orders_is_asked_which(shop: Shop) -> None:
    shop.db.execute(update(order).where(order.c.id == shop.b1).values(person_id=shop.ana.subject))
    assert set(shop.look("customer", "tracker.order_status")["orders"].split(", ")) == {"A1", "B1"}


def test_of_past_orders_the_last_one_is_meant(shop: Shop) -> None:
    shop.db.execute(update(order).where(order.c.id == shop.b1).values(person_id=shop.ana.subject, status="delivered"))
    assert shop.look("customer", "tracker.order_status")["order"] == "A1"
    orders.set_status(shop.db, [shop.a1], "delivered")
    assert shop.look("customer", "tracker.order_status")["order"] in ("A1", "B1")


def test_a_dispatcher_sees_every_order_but_has_to_say_which(shop: Shop) -> None:
    assert shop.look("dispatcher", "tracker.order_status", order="B1")["order"] == "B1"
    with pytest.raises(BadInput, match="Which order"):
        shop.look("dispatcher", "tracker.order_status")


def test_a_quote_is_in_cents_for_the_way_from_the_depot(shop: Shop) -> None:
    figures = shop.look("dispatcher", "carriers.quote", order="A1")
    assert figures
    assert all(isinstance(figure, int | str) for figure in figures.values())
    assert shop.look("dispatcher", "carriers.quote", order="Z9") == {"not_found": "Z9"}


def test_looking_changes_nothing(living: Living) -> None:
    day = planned(living)
    before = world()
    with store.transaction() as db:
        for tool in ("tracker.order_status", "proof.lookup", "fleet.status", "carriers.quote"):
            assert desk.look(db, who(db, "dispatcher"), tool, {"order": "A1"}, NOW) or tool == "proof.lookup"
        desk.look(db, customer_of(db, day.orders["A1"]), "tracker.order_status", {}, NOW)
    assert world() == before


# Asking


@pytest.mark.parametrize(
    "action", ["remove", "postpone", "refund", "plan.publish", "message.send", "undo", "", "RESCHEDULE"]
)
@pytest.mark.parametrize("role", ["customer", "dispatcher", "driver"])
def test_what_nobody_may_ask_for_opens_no_case(shop: Shop, role: str, action: str) -> None:
    with pytest.raises(NotAllowed, match="may not ask for"):
        shop.propose(shop.by[role], action, order="A1", day="2026-06-05")


@pytest.mark.parametrize("role", ["driver", "integrator", "system"])
def test_who_has_no_box_asks_for_nothing(shop: Shop, role: str) -> None:
    with pytest.raises(NotAllowed):
        shop.propose(shop.by[role], order="A1", day="2026-06-05")


@pytest.mark.parametrize("ref", ["B1", "%", "", "ord_x"])
def test_a_customer_asks_for_nothing_on_the_orders_of_others(shop: Shop, ref: str) -> None:
    with pytest.raises(NotFound, match="of yours"):
        shop.propose(shop.ana, order=ref, day="2026-06-05")


def test_not_even_by_the_id_of_the_order(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.propose(shop.ana, order=shop.b1, day="2026-06-05")


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("", "no date"),
        ("tomorrow", "no date"),
        ("2026-13-01", "no date"),
        ("2026-06-02; DROP", "no date"),
        (DAY.isoformat(), "not after"),
        ("2026-06-01", "not after"),
    ],
)
def test_a_day_that_can_not_be_is_refused(shop: Shop, day: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        shop.propose(shop.ana, order="A1", day=day)


@pytest.mark.parametrize("status", sorted(orders.FINAL))
def test_what_has_ended_is_not_moved(shop: Shop, status: str) -> None:
    orders.set_status(shop.db, [shop.a1], status)
    with pytest.raises(WrongState, match=status):
        shop.propose(shop.ana, order="A1", day="2026-06-05")


def test_a_wish_opens_a_case_and_does_nothing_yet(living: Living) -> None:
    day = planned(living)
    before = world()
    with store.transaction() as db:
        ana = customer_of(db, day.orders["A1"])
        case_id = desk.propose(db, ana, "reschedule", {"order": "A1", "day": "2026-06-05", "cost": "0"}, NOW)
    assert world() == before
    row = case_row(case_id)
    assert (row.kind, row.subject, row.depot_id) == ("reschedule", day.orders["A1"], DEPOT)
    assert row.facts == {
        "order": day.orders["A1"], "stop": day.stops["A1"], "day": "2026-06-05", "requester": "customer", "by": ana.id,
    }, "nothing else that was said came along"  # fmt: skip


def test_the_same_wish_twice_is_one_case(shop: Shop) -> None:
    first = shop.propose(shop.ana, order="A1", day="2026-06-05")
    assert shop.propose(shop.ana, order="A1", day="2026-06-05") == first


# Handing over


def test_a_case_for_a_person_has_an_owner_and_a_by_when(shop: Shop) -> None:
    case_id, due_by = desk.hand_over(shop.db, shop.ana, "asked_for_human", shop.ana.id, TODAY)
    row = cases.get(shop.db, case_id)
    assert (row.status, row.reason_code, row.owner) == ("escalated", "asked_for_human", shop.by["dispatcher"].id)
    assert row.due_by == due_by == at("09:15")
    assert desk.hand_over(shop.db, shop.ana, "asked_for_human", shop.ana.id, at("09:05")) == (case_id, due_by)


def test_who_does_not_answer_in_time_is_followed_by_the_next(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        ana = customer_of(db, day.orders["A1"])
        case_id, due_by = desk.hand_over(db, ana, "asked_for_human", ana.id, NOW)
    assert case_row(case_id).owner == staff("dispatcher").id
    living.pulse(due_by)
    row = case_row(case_id)
    assert (row.owner, row.status) == (staff("ops_lead").id, "escalated")
    assert row.due_by > due_by
    living.pulse(row.due_by)
    assert case_row(case_id).owner == staff("dispatcher").id, "and so on until somebody answers"


def test_a_settled_case_is_not_passed_on(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        ana = customer_of(db, day.orders["A1"])
        case_id, due_by = desk.hand_over(db, ana, "asked_for_human", ana.id, NOW)
        cases.advance(db, cases.get(db, case_id), "closed", closed_at=NOW)
    living.pulse(due_by)
    assert case_row(case_id).owner == staff("dispatcher").id
