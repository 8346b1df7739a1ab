"""Goods that a customer misses, or that are damaged: proof first, then the driver, then a person who has it all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from agent import conversation, replay
from core import custody, decisions, events, orders, principals, threads
from core.errors import BadInput, WrongState
from core.principals import Principal
from core.store import db as store
from core.store.tables import case, parcel
from tests.living import (
    DAY,
    HOME,
    STEP,
    Day,
    Living,
    a_day,
    at,
    customer_of,
    load_and_leave,
    look,
    stop_of,
    tap,
    texts_to,
    who,
)
from tests.tools.a_case import approve, asked, case_row, decided, staff, status_of, undo
from tools import approvals, desk, offers

NOW = at("09:00")
MISSING = "It says delivered but I never got order A1"
PHOTO = "ab" * 32


def delivered(living: Living, metres: float | None = 20) -> Day:
    """A1 was handed over at a quarter past eight, with a photo taken so far from the address."""
    day = a_day(living, {"van1": ["A1", "A2", "A3"]})
    proof: dict[str, Any] = {"kind": "photo", "sha256": "cd" * 32}
    if metres is not None:
        proof |= {"lat": HOME[0] + STEP + metres / 111_195, "lon": HOME[1]}
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values()), at("08:00"))
        tap(db, "arrived", "van1", at("08:12"), day.stops["A1"])
        tap(db, "delivered", "van1", at("08:15"), day.orders["A1"], proof=proof)
    living.work()
    living.to(NOW)
    return day


def ana(day: Day) -> Principal:
    with store.transaction() as db:
        return customer_of(db, day.orders["A1"])


def missed(living: Living, day: Day, words: str = MISSING) -> str:
    """Its customer writes that it is not there; returns the case."""
    case_id = conversation.turn(ana(day), words).case
    assert case_id is not None
    living.work()
    return case_id


def found(day: Day, code: str) -> None:
    with store.transaction() as db:
        tap(db, "answered", "van1", NOW, day.orders["A1"], found=code)


def known(case_id: str) -> dict[str, Any]:
    return {fact["name"]: fact["value"] for fact in case_row(case_id).facts["known"]}


def replays(case_id: str) -> None:
    with store.transaction() as db:
        for row in decided(case_id):
            body = decisions.body(db, row.id)
            assert not body["inputs"] or replay.recompute(db, body["inputs"]) == body["outcome"]


# Missing


def test_the_proof_is_shown_with_its_metres_when_it_was_taken_near_the_door(living: Living) -> None:
    day = delivered(living)
    case_id = missed(living, day)
    assert [(d.action, d.verdict, d.rule) for d in decided(case_id)] == [("show_proof", "auto", "show_proof.near")]
    said = living.phone.delivered[-1].text
    assert "A1 was delivered at 08:15, 20 m from your address" in said
    assert "a photo" in said
    assert known(case_id)["proof_metres_away"] == 20
    assert case_row(case_id).reason_code == "done"
    replays(case_id)


def test_a_proof_from_elsewhere_proves_nothing_and_the_driver_is_asked(living: Living) -> None:
    day = delivered(living, metres=400)
    case_id = missed(living, day)
    assert [(d.action, d.verdict) for d in decided(case_id)] == [("ask_driver", "auto")]
    assert case_row(case_id).status == "offered"
    with store.transaction() as db:
        driver = principals.ensure(db, "driver", "van1-driver")
        assert "has not found it" in str(threads.open_of(db, driver, at("12:00")).lines[-1].body)
        assert offers.open_to(db, ana(day)) is None, "it is not the customer who is asked"
    replays(case_id)


def test_what_the_driver_says_reaches_the_customer(living: Living) -> None:
    day = delivered(living, metres=400)
    case_id = missed(living, day)
    found(day, "with_neighbour")
    living.work()
    assert [d.action for d in decided(case_id)] == ["ask_driver", "tell_found"]
    assert "a neighbour has it" in living.phone.delivered[-1].text
    assert known(case_id)["driver_said"] == "with_neighbour"
    assert case_row(case_id).reason_code == "done"
    replays(case_id)


@pytest.mark.parametrize("code", ["unknown", "wrong_door", "on_van"])
def test_what_the_driver_can_not_settle_is_a_persons_with_the_whole_packet(living: Living, code: str) -> None:
    day = delivered(living, metres=400)
    case_id = missed(living, day)
    found(day, code)
    living.work()
    row = case_row(case_id)
    assert (row.status, row.reason_code) == ("waiting", "claim.asks")
    packet = known(case_id)
    assert {"proof", "proof_at", "proof_sha256", "proof_metres_away", "van", "driver_said", "earlier_claims"} <= set(
        packet
    )
    assert (packet["proof_metres_away"], packet["van"], packet["driver_said"]) == (400, "van1", code)
    assert {"claim", "redeliver"} <= {o["kind"] for o in row.options if o["feasible"]}


def test_a_driver_who_does_not_answer_is_not_waited_for(living: Living) -> None:
    day = delivered(living, metres=400)
    case_id = missed(living, day)
    living.pulse(NOW + timedelta(minutes=30))
    assert (case_row(case_id).status, case_row(case_id).reason_code) == ("waiting", "claim.asks")
    found(day, "safe_place")
    assert case_row(case_id).status == "waiting", "what comes later changes nothing by itself"


def test_a_driver_who_is_home_is_not_asked(living: Living) -> None:
    day = delivered(living, metres=None)
    with store.transaction() as db:
        tap(db, "finished", "van1", at("08:50"))
    case_id = missed(living, day)
    assert case_row(case_id).reason_code == "claim.asks"
    replays(case_id)


def test_who_writes_again_after_the_proof_gets_the_next_round(living: Living) -> None:
    day = delivered(living)
    missed(living, day)
    living.to(NOW + timedelta(minutes=20))
    second = missed(living, day)
    assert [d.action for d in decided(second)] == ["ask_driver"], "the proof is shown once"
    assert known(second)["earlier_claims"] == 1


def test_after_three_claims_a_person_looks_before_the_proof_is_shown(living: Living) -> None:
    day = delivered(living)
    with store.transaction() as db:
        mine = orders.get(db, day.orders["A1"])
        for number in range(3):
            before = NOW - timedelta(days=number + 1)
            row = {
                "id": f"case_{number}",
                "kind": "missing_delivery",
                "subject": mine.id,
                "depot_id": "dep",
                "day": DAY,
            }
            row |= {"status": "closed", "version": 1, "facts": {"order": mine.id}, "options": [], "inputs": {}}

            db.execute(case.insert().values(row | {"opened_at": before, "closed_at": before}))
    case_id = missed(living, day)
    assert case_row(case_id).reason_code == "show_proof.often"


def test_a_new_one_comes_on_the_next_day_when_a_person_says_so(living: Living) -> None:
    day = delivered(living, metres=None)
    with store.transaction() as db:
        tap(db, "finished", "van1", at("08:50"))
    case_id = missed(living, day)
    with store.transaction() as db:
        chosen = approvals.edit(db, staff(), case_id, asked(case_id).digest, "redeliver", NOW)
    approve(case_id, chosen)
    living.work()
    with store.transaction() as db:
        again = orders.by_ref(db, "A1/2")
        assert again is not None
        assert (again.day, again.status) == (DAY + timedelta(days=1), "new")
        assert custody.holders(db, again.id) == {"depot:dep"}
        assert orders.get(db, day.orders["A1"]).status == "delivered", "what happened stays what happened"
        assert [f.kind for f in events.of(db, day.orders["A1"])][-1] == "order.claimed"
        assert texts_to(db, day.orders["A1"])[-1] == "replaced"
    replays(case_id)
    came = undo(decided(case_id)[-1].id, NOW + timedelta(minutes=5))
    living.work()
    assert came["undone"] == [f"order {again.id} is not made"]
    with store.transaction() as db:
        assert orders.by_ref(db, "A1/2") is None
        assert db.execute(select(parcel.c.id).where(parcel.c.order_id == again.id)).all() == []
        assert texts_to(db, day.orders["A1"])[-1] == "disregard"


def test_what_is_on_its_way_is_no_claim_but_a_question_where_it_is(living: Living) -> None:
    day = delivered(living)
    look(NOW)
    with store.transaction() as db:
        other = customer_of(db, day.orders["A2"])
    turn = conversation.turn(other, "I never got order A2")
    assert turn.case is None
    with store.transaction() as db, pytest.raises(WrongState, match="Only what was delivered"):
        desk.propose(db, other, "missing_delivery", {"order": "A2"}, NOW)


@pytest.mark.parametrize(("code", "error"), [("somewhere", BadInput), (None, BadInput), (["x"], BadInput)])
def test_an_answer_that_is_none_is_refused(living: Living, code: Any, error: type[Exception]) -> None:
    day = delivered(living)
    with pytest.raises(error) as refused:
        found(day, code)
    assert refused.value.field == "data.found"  # type: ignore[attr-defined]


# Damaged


def test_damage_at_the_door_is_a_persons_and_nobody_tries_again(living: Living) -> None:
    day = a_day(living, {"van1": ["A1", "A2"]})
    with store.transaction() as db:
        load_and_leave(db, "van1", list(day.orders.values()), at("08:00"))
        tap(db, "arrived", "van1", at("08:12"), day.stops["A1"])
        tap(db, "failed", "van1", at("08:13"), day.orders["A1"], reason="damaged", photo=PHOTO)
    living.pulse(at("08:14"))
    with store.transaction() as db:
        (case_id,) = [row.id for row in rows_of(db, day.orders["A1"])]
    row = case_row(case_id)
    assert (row.kind, row.status, row.reason_code) == ("damage", "waiting", "bring_back.asks")
    assert known(case_id)["photo"] == PHOTO
    approve(case_id, asked(case_id).digest)
    living.work()
    with store.transaction() as db:
        assert texts_to(db, day.orders["A1"])[-1] == "going_back"
        tap(db, "finished", "van1", at("12:00"))
    assert status_of(day.orders["A1"]) == "returned"
    replays(case_id)


def rows_of(db: Any, subject: str) -> list[Any]:

    return list(db.execute(select(case).where(case.c.subject == subject)))


def test_damaged_goods_that_were_delivered_are_fetched_the_next_day(living: Living) -> None:
    day = delivered(living)
    turn = conversation.turn(ana(day), "order A1 arrived broken")
    assert turn.case is not None
    living.work()
    row = case_row(turn.case)
    assert (row.kind, row.status) == ("damage", "waiting")
    with store.transaction() as db:
        chosen = approvals.edit(db, staff(), turn.case, asked(turn.case).digest, "bring_back", NOW)
    approve(turn.case, chosen)
    living.work()
    with store.transaction() as db:
        back = orders.by_ref(db, "A1/2")
        assert back is not None
        assert (back.kind, back.day, stop_of(db, back.id) != day.stops["A1"]) == (
            "return",
            DAY + timedelta(days=1),
            True,
        )
        assert custody.holders(db, back.id) == {f"customer:{ana(day).subject}"}
        assert texts_to(db, day.orders["A1"])[-1] == "fetched"


def test_a_claim_by_the_clients_system_takes_the_picture_along(living: Living) -> None:
    day = delivered(living)
    with store.transaction() as db:
        case_id = desk.propose(db, who(db, "integrator"), "damage", {"order": "A1", "photo": PHOTO}, NOW)
    living.work()
    assert known(case_id)["photo"] == PHOTO
    assert day.orders["A1"] == case_row(case_id).subject
    assert case_row(case_id).reason_code == "claim.asks"
