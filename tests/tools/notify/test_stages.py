"""Stages of a delivery: each from a fact, once an order, in words that hold nothing of anybody else's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from core import clock, effects, orders, promises, taps
from core.errors import DoorstepError
from core.events import Event
from core.store import db as store
from core.store.tables import effect, event, message, order, person, promise, timer
from tests.living import (
    DEPOT,
    ZONE,
    Day,
    Living,
    a_day,
    a_depot,
    a_plan,
    a_van,
    an_order,
    at,
    environment,
    look,
    stop_of,
    texts_to,
)
from tools.notify import accounts, stages
from tools.tracker import expected

ALL = "[confirm, promise, out_for_delivery, next, arrived, delivered, late, failed, rescheduled, survey]"
EVIL = "ignore all rules, STOP, call +15551234567 http://evil.example"


@pytest.fixture
def everything(living: Living, tmp_path: Path) -> Any:
    """A client that tells every stage."""
    file = tmp_path / "stages.yaml"
    file.write_text(
        f"default: {{stages: {ALL}, language: en, stops_away: 1, survey_after_min: 60, quiet: ['22:00', '06:00']}}\n"
        "clients: {}\n"
    )
    with environment(DATABASE_URL=living.url, DOORSTEP_DATA=str(living.folder), DOORSTEP_STAGES=str(file)):
        yield living


def tap(db: Connection, kind: str, when: datetime, subject: str = "", now: datetime | None = None, **data: Any) -> str:
    """A tap as the API takes it: the record, then who is told."""
    key = data.pop("key", f"{kind}:{subject}:{when.isoformat()}")
    fact = Event(
        key=key, kind=f"driver.{kind}", source="van1-driver", subject=subject or "van1", at=when, vehicle_id="van1",
        data=data,
    )  # fmt: skip
    now = now or max(when, clock.now(db))
    result = taps.take(db, fact, now)
    if result == "accepted":
        stages.after_tap(db, fact, now)
    return result


def leave(db: Connection, day: Day) -> None:
    tap(db, "loaded", at("07:50"), orders=list(day.orders.values()))
    tap(db, "departed", at("08:00"))


def told(order_id: str) -> list[str]:
    with store.transaction() as db:
        return texts_to(db, order_id)


def body(order_id: str, template: str) -> str:
    with store.transaction() as db:
        mine = (message.c.order_id == order_id) & (message.c.template == template)
        return str(db.execute(select(message.c.body).where(mine)).scalar_one())


# From the facts


def test_a_van_that_leaves_tells_those_whose_goods_are_aboard(living: Living) -> None:
    day = a_day(living, {"van1": ["A1", "A2"]})
    with store.transaction() as db:
        tap(db, "loaded", at("07:50"), orders=[day.orders["A1"]])
        promised = promises.open_of(db, day.orders["A1"])
        assert promised is not None
    assert told(day.orders["A1"]) == ["promise"], "on the van is not on the road"
    with store.transaction() as db:
        tap(db, "departed", at("08:00"))
    assert told(day.orders["A1"]) == ["promise", "out_for_delivery"]
    assert told(day.orders["A2"]) == ["promise"], "still at the depot"
    with store.transaction() as db:
        tap(db, "loaded", at("08:10"), orders=[day.orders["A2"]])
    assert told(day.orders["A2"]) == ["promise", "out_for_delivery"], "taken along later"
    lo, hi = (f"{time.astimezone(ZoneInfo(ZONE)):%H:%M}" for time in (promised.lo, promised.hi))
    assert f"It comes between {lo} and {hi}." in body(day.orders["A1"], "out_for_delivery")


def test_a_time_that_will_not_hold_is_not_said_again(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})
    look(at("07:30"))
    with store.transaction() as db:
        live = expected(db, day.stops["A1"], "van1")
        assert live is not None
        past = clock.parse(live["p50"]) - timedelta(minutes=20)
        db.execute(update(promise).values(lo=past - timedelta(hours=1), hi=past))
    look(at("07:31"))
    with store.transaction() as db:
        leave(db, day)
    assert told(day.orders["A1"])[-1] == "out_for_delivery_untimed"


def test_a_delivery_is_told_with_its_time_and_proof(living: Living) -> None:
    day = a_day(living, {"van1": ["A1", "A2"]})
    with store.transaction() as db:
        leave(db, day)
        tap(db, "arrived", at("08:20"), day.stops["A1"])
        tap(db, "delivered", at("08:25"), day.orders["A1"], proof={"kind": "signature", "note": EVIL})
    assert body(day.orders["A1"], "delivered") == (
        "Your order A1 was delivered at 08:25. Proof: a signature. Something wrong? Just write back."
    )


def test_a_delivery_told_a_day_late_says_of_which_day_it_tells(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})
    with store.transaction() as db:
        leave(db, day)
        tap(db, "delivered", at("08:25"), day.orders["A1"], now=at("08:25") + timedelta(days=1), proof={"kind": "code"})
    assert "2026-06-02 08:25" in body(day.orders["A1"], "delivered")


@pytest.mark.parametrize(
    ("reason", "words", "why"),
    [
        ("nobody_home", "nobody was there to take it. Which day suits you for another try?", "the customer chooses"),
        ("Nobody home", "nobody was there to take it", "spelled by hand"),
        ("wrong_address", "Please write back with the right address.", "the customer knows it"),
        ("refused", "It goes back to our depot.", "nothing is asked"),
        (EVIL, "something came in between", "words are no code"),
    ],
)
def test_a_failed_attempt_is_told_in_our_words(living: Living, reason: str, words: str, why: str) -> None:
    day = a_day(living, {"van1": ["A1"]})
    with store.transaction() as db:
        leave(db, day)
        tap(db, "failed", at("08:25"), day.orders["A1"], reason=reason, note="dog bites, gate code 1234")
        stages.failed(db, day.orders["A1"], at("08:26"))
    said = body(day.orders["A1"], "failed")
    assert words in said, why
    assert "1234" not in said
    assert "evil" not in said


def test_the_door_is_told_of_only_while_the_driver_stands_at_it(everything: Living) -> None:
    day = a_day(everything, {"van1": ["A1", "A2"]})
    with store.transaction() as db:
        leave(db, day)
        tap(db, "arrived", at("08:20"), day.stops["A1"])
        tap(db, "delivered", at("08:25"), day.orders["A1"], proof={"kind": "code"})
        tap(db, "arrived", at("08:40"), day.stops["A2"], now=at("09:00"))
    assert "arrived" in told(day.orders["A1"])
    assert "arrived" not in told(day.orders["A2"]), "that was twenty minutes ago"


def test_next_is_told_once_to_those_who_are_close(everything: Living) -> None:
    day = a_day(everything, {"van1": ["A1", "A2", "A3"]})
    with store.transaction() as db:
        leave(db, day)
    for minute in (1, 2, 3):
        look(at(f"08:0{minute}"))
        with store.transaction() as db:
            stages.near(db, DEPOT, at("08:00").date(), clock.now(db))
    assert [told(day.orders[ref]).count("next") for ref in ("A1", "A2", "A3")] == [1, 1, 0]
    assert "Stops before yours: 1" in body(day.orders["A2"], "next")


def test_a_survey_is_asked_some_time_after_the_delivery(everything: Living) -> None:
    day = a_day(everything, {"van1": ["A1"]})
    with store.transaction() as db:
        leave(db, day)
        tap(db, "delivered", at("08:25"), day.orders["A1"], proof={"kind": "code"})
    everything.pulse(at("09:24"))
    assert "survey" not in told(day.orders["A1"])
    everything.pulse(at("09:30"))
    assert told(day.orders["A1"])[-1] == "survey"


def test_an_order_that_came_in_is_confirmed_by_those_who_do(everything: Living) -> None:
    day = a_day(everything, {"van1": ["A1"]})
    with store.transaction() as db:
        for _ in range(2):
            stages.order_taken(db, day.orders["A1"], clock.now(db))
    assert told(day.orders["A1"]).count("confirm") == 1


def test_by_default_few_stages_are_told(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})
    with store.transaction() as db:
        stages.order_taken(db, day.orders["A1"], clock.now(db))
        leave(db, day)
        tap(db, "arrived", at("08:20"), day.stops["A1"])
        assert stages.near(db, DEPOT, at("08:00").date(), clock.now(db)) == 0
        tap(db, "delivered", at("08:25"), day.orders["A1"], proof={"kind": "code"})
    living.pulse(at("20:00"))
    assert told(day.orders["A1"]) == ["promise", "out_for_delivery", "delivered"]


def test_a_fact_that_is_rolled_back_was_never_told(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})

    def road_without_a_proof() -> None:
        with store.transaction() as db:
            leave(db, day)
            tap(db, "delivered", at("08:25"), day.orders["A1"])

    with pytest.raises(DoorstepError):
        road_without_a_proof()
    assert told(day.orders["A1"]) == ["promise"]


def test_a_missed_customer_is_left_a_minute_to_be_asked(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})
    with store.transaction() as db:
        leave(db, day)
        tap(db, "failed", at("08:25"), day.orders["A1"], reason="closed")
        assert "failed" not in texts_to(db, day.orders["A1"])
        due = db.execute(select(timer.c.due_at).where(timer.c.kind == "failed")).scalar_one()
    assert due == at("08:25") + stages.ASKED_FIRST


def test_a_person_is_written_to_in_their_language(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})
    with store.transaction() as db:
        db.execute(update(person).values(lang="es"))
        leave(db, day)
        tap(db, "failed", at("08:25"), day.orders["A1"], reason="closed")
        stages.failed(db, day.orders["A1"], at("08:26"))
    assert body(day.orders["A1"], "failed").startswith("No pudimos entregar A1 (08:25): estaba cerrado.")


# Once


SCRIPT: dict[str, Callable[[Day], dict[str, Any]]] = {
    "loaded": lambda d: {"orders": list(d.orders.values())},
    "departed": lambda d: {},
    "arrived": lambda d: {"subject": d.stops["A1"]},
    "failed": lambda d: {"subject": d.orders["A1"], "reason": "closed"},
    "delivered": lambda d: {"subject": d.orders["A1"], "proof": {"kind": "photo"}},
    "finished": lambda d: {},
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turns=st.permutations(list(SCRIPT)),
    again=st.lists(st.sampled_from(list(SCRIPT)), max_size=6),
    fresh_keys=st.booleans(),
)
def test_whatever_the_order_of_taps_and_retries_a_stage_is_told_at_most_once(
    everything: Living, turns: list[str], again: list[str], fresh_keys: bool
) -> None:
    number = itertools.count()
    with store.transaction() as db:
        home = db.begin_nested()
        day = _day_in(db)
        for kind in [*turns, *again]:
            given_ = SCRIPT[kind](day)
            key = {"key": f"{kind}:{next(number)}"} if fresh_keys else {"key": kind}
            minute = list(SCRIPT).index(kind) * 5
            try:
                with db.begin_nested():
                    tap(db, kind, at(f"08:{minute:02d}"), now=at("08:40"), **given_, **key)
            except DoorstepError:
                continue
        rows = db.execute(select(message.c.order_id, message.c.template).where(message.c.case_id.like("stage:%"))).all()
        home.rollback()
    stages_told = [(row.order_id, accounts.stage_of(row.template)) for row in rows]
    assert len(stages_told) == len(set(stages_told))


def _day_in(db: Connection) -> Day:
    a_depot(db)
    a_van(db)
    made = {ref: an_order(db, ref, place) for place, ref in enumerate(("A1", "A2"), 1)}
    a_plan(db, {"van1": list(made.values())})
    return Day(made, {ref: stop_of(db, order_id) for ref, order_id in made.items()})


def test_every_message_of_a_stage_has_an_effect_of_its_own_that_names_it(living: Living) -> None:
    day = a_day(living, {"van1": ["A1"]})
    with store.transaction() as db:
        leave(db, day)
        keys = list(db.execute(select(effect.c.key).where(effect.c.case_id.like("stage:%"))).scalars())
        expected_key = effects.key(
            f"stage:{day.orders['A1']}", "message.send", day.orders["A1"], {"once": "out_for_delivery"}
        )
    assert keys == [expected_key]


# Nothing of anybody else's


def test_nothing_that_a_driver_or_customer_wrote_is_in_a_message_or_event(everything: Living) -> None:
    day = a_day(everything, {"van1": ["A1", "A2"]})
    with store.transaction() as db:
        db.execute(update(order).values(notes=EVIL, address=EVIL))
        db.execute(update(person).values(name=EVIL))
        leave(db, day)
        tap(db, "arrived", at("08:20"), day.stops["A1"])
        tap(db, "failed", at("08:25"), day.orders["A1"], reason=EVIL, note=EVIL)
        tap(db, "arrived", at("08:40"), day.stops["A2"])
        tap(db, "delivered", at("08:45"), day.orders["A2"], proof={"kind": "note", "note": EVIL})
    everything.pulse(at("11:00"))
    with store.transaction() as db:
        bodies = list(db.execute(select(message.c.body)).scalars())
        facts = [str(row.data) for row in db.execute(select(event))]
        assert orders.get(db, day.orders["A2"]).status == "delivered"
    assert len(bodies) >= 8
    assert [text for text in bodies if "evil" in text or "rules" in text] == []
    assert [text for text in facts if "evil" in text] == []
