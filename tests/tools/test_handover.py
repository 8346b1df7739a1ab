"""The note from one shift to the next says what is open, what is at risk, what was decided; nobody's name is in it."""

from __future__ import annotations

from datetime import timedelta

from core import clock, money
from core.store import db as store
from core.store.tables import person
from tests.living import Living, who
from tests.tools.a_case import NOW, Picks, late, planned
from tools import handover


def test_the_note_says_what_is_open_at_risk_and_decided(living: Living) -> None:
    day = planned(living)
    with store.transaction() as db:
        who(db, "dispatcher", "Ada")
    settled = late(day, "A1")
    living.work()
    waiting = late(day, "A2", now=NOW + timedelta(minutes=1))
    living.work(planner=Picks("postpone"))
    with store.transaction() as db:
        found = handover.note(db, clock.now(db))
        earlier = handover.note(db, clock.now(db), since=clock.now(db) + timedelta(seconds=1))
        names = [row.name for row in db.execute(person.select())]
    assert [(c["case"], c["status"], c["reason"]) for c in found["open_cases"]] == [
        (waiting, "waiting", "postpone.asks")
    ]
    assert [r["order"] for r in found["at_risk"]] == ["A2"]
    assert found["at_risk"][0]["expected"] > found["at_risk"][0]["promised"]
    assert ("retell", "auto", 1) in [(d["action"], d["verdict"], d["count"]) for d in found["decided"]]
    assert earlier["decided"] == []
    said = handover.as_text(found)
    assert settled not in said
    assert f"predicted_late {waiting} waiting, Ada by" in said
    assert f"{money.say(sum(d['cost_cents'] for d in found['decided']))}" in said
    assert "USD" in said
    assert "A2 promised by" in said
    assert "1 retell (auto)" in said
    assert not any(name in said for name in names)


def test_a_quiet_shift_has_a_short_note(living: Living) -> None:
    with store.transaction() as db:
        found = handover.note(db, clock.now(db))
    assert handover.as_text(found).count(": 0") == 3
