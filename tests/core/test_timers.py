"""Timers: due by domain time, each fires once, however many fire at the same time."""

from __future__ import annotations

import threading

from core import timers
from core.store import db as store
from tests.living import Living, at


def put(*wanted: tuple[str, str]) -> None:
    with store.transaction() as db:
        for subject, due in wanted:
            timers.put(db, "look_again", subject, at(due))


def fire(now: str) -> int:
    with store.transaction() as db:
        return timers.fire(db, at(now))


def test_what_is_due_fires_in_the_order_it_was_due(living: Living) -> None:
    put(("b", "09:10"), ("a", "09:20"), ("c", "09:00"))
    assert fire("09:15") == 2
    assert living.jobs() == [("look_again", "c"), ("look_again", "b")]


def test_a_timer_fires_on_its_second_and_not_before(living: Living) -> None:
    put(("a", "09:00"))
    assert fire("08:59") == 0
    assert fire("09:00") == 1


def test_a_timer_fires_once(living: Living) -> None:
    put(("a", "09:00"))
    assert (fire("09:00"), fire("09:01")) == (1, 0)


def test_the_same_timer_twice_is_one(living: Living) -> None:
    put(("a", "09:00"), ("a", "09:00"), ("a", "09:05"))
    assert (fire("09:00"), fire("09:10")) == (1, 1), "another time is another timer"


def test_the_next_one_due_is_known(living: Living) -> None:
    put(("a", "09:20"), ("b", "09:10"))
    with store.transaction() as db:
        assert timers.next_due(db, at("09:05")) is None
        assert timers.next_due(db, at("12:00")) == at("09:10")
        timers.fire(db, at("09:15"))
        assert timers.next_due(db, at("12:00")) == at("09:20")


def test_of_two_who_fire_at_once_each_timer_has_one(living: Living) -> None:
    put(*((f"s{n}", "09:00") for n in range(20)))
    gate, fired = threading.Barrier(3), []

    def fire_all() -> None:
        gate.wait()
        fired.append(fire("09:00"))

    threads = [threading.Thread(target=fire_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(fired) == 20
    assert sorted(living.jobs()) == sorted(("look_again", f"s{n}") for n in range(20))
