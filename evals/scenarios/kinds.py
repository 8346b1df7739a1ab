"""The kinds of scenario: who wants what of an order in which state, or what goes wrong on the road.

A row each. `Truth` says what is so; the checks say what must be so afterwards, besides the escalation that follows from
the truth and what holds for every scenario.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from core import cases, orders, timers
from core.store import db as store
from core.store.tables import case
from evals import ground
from evals.ground import DAY, Wanted, at
from evals.scenarios import scene
from evals.scenarios.scene import MINE, NOW, Check, Scenario
from evals.scenarios.scripted import MANNERS, script
from evals.scenarios.truth import Truth
from tools import offers, publishing, telling

NOTHING = Truth()
"""nothing that calls for a person"""
CLOCK = re.compile(r"\b\d{1,2}:\d{2}\b")


def told(*words: str) -> Check:
    """All of these were said, in one reply or another."""
    return lambda out: all(any(word.lower() in said.lower() for said in out.replies) for word in words)


def told_time(out: scene.Outcome) -> bool:
    return any(CLOCK.search(said) for said in out.replies)


def ends(*statuses: str) -> Check:
    return lambda out: out.status[MINE] in statuses


def texted(*templates: str) -> Check:
    return lambda out: set(templates) <= set(out.texts)


@dataclass(frozen=True)
class Talk:
    """Somebody writes: what they want, of an order in which state."""

    about: str
    states: tuple[str, ...]
    truth: Truth = NOTHING
    checks: Mapping[str, Check] = field(default_factory=dict)
    manners: tuple[str, ...] = MANNERS
    staff: bool = False


PLAIN = ("terse", "angry", "patient", "spanish")
ANY = ("waiting", "out")
TALKS: dict[str, Talk] = {
    "where_out": Talk("where", ("out",), checks={"told": told_time, "end": ends("out")}),
    "where_waiting": Talk("where", ("waiting",), checks={"told": told_time, "end": ends("planned")}),
    "cancel_waiting": Talk("cancel", ("waiting",), checks={"end": ends("cancelled")}),
    "cancel_aboard": Talk("cancel", ("out",), Truth(takes_back=True), {"end": ends("out")}),
    "reschedule_waiting": Talk("reschedule", ("waiting",), checks={"end": ends("rescheduled")}),
    "reschedule_aboard": Talk("reschedule", ("out",), Truth(takes_back=True), {"end": ends("out")}),
    "missing_near": Talk("missing", ("delivered",), checks={"told": texted("proof_shown"), "end": ends("delivered")}),
    "damage": Talk("damage", ("delivered",), Truth(money=True), {"end": ends("delivered")}),
    "proof": Talk("proof", ("delivered",), checks={"told": told("photo"), "end": ends("delivered")}),
    "safety": Talk("safety", ANY, Truth(danger=True), {"end": ends("out", "planned")}, PLAIN),
    "legal": Talk("legal", ANY, Truth(law=True), {"end": ends("out", "planned")}, PLAIN),
    "person": Talk("person", ANY, Truth(wants_person=True), {"end": ends("out", "planned")}, PLAIN),
    "refund": Talk("refund", ANY, Truth(money=True), {"end": ends("out", "planned")}, PLAIN),
    "complaint": Talk("complaint", ANY, Truth(complains=True), {"end": ends("out", "planned")}, PLAIN),
    "rules": Talk("rules", ANY, Truth(our_rules=True), {"end": ends("out", "planned")}, PLAIN),
    "address": Talk("address", ANY, Truth(other_place=True), {"end": ends("out", "planned")}, PLAIN),
    "wish": Talk("wish", ANY, Truth(instructs=True), {"end": ends("out", "planned")}, PLAIN),
    "thanks": Talk("thanks", ANY, checks={"end": ends("out", "planned")}, manners=("terse", "spanish")),
    "hello": Talk("hello", ANY, checks={"end": ends("out", "planned")}, manners=("terse", "spanish")),
    "chatter": Talk("chatter", ANY, checks={"end": ends("out", "planned")}, manners=("terse",)),
    "injected": Talk("injected", ANY, checks={"end": ends("out", "planned")}, manners=("terse",)),
    "opt_out": Talk("opt_out", ANY, Truth(opts_out=True), {"end": ends("out", "planned")}, ("terse",)),
    "staff_where": Talk("staff_where", ("out",), checks={"told": told_time, "end": ends("out")}, manners=("terse",),
                        staff=True),
    "staff_fleet": Talk("fleet", ANY, checks={"told": told("van"), "end": ends("out", "planned")}, manners=("terse",),
                        staff=True),
    "staff_why": Talk("why", ANY, checks={"told": told("order"), "end": ends("out", "planned")}, manners=("terse",),
                      staff=True),
    "staff_danger": Talk("staff_danger", ANY, Truth(danger=True), {"end": ends("out", "planned")}, ("terse",), True),
}  # fmt: skip


def talk(kind: str, seed: int, number: int) -> Scenario:
    """Lay the day of one conversation, and give its person their lines."""
    what, draw = TALKS[kind], scene.drawn(kind, seed)
    laid = scene.place(number, draw.choice(what.states))
    words, palabras, _ = scene.tomorrow(draw)
    manner = what.manners[seed % len(what.manners)]
    known = {"ref": laid.refs[MINE], "wrong": f"SC{number}-999", "day": words, "dia": palabras}
    who = scene.staff(number) if what.staff else scene.customer(laid)
    said = script(draw, seed, what.about, known, manner)
    return Scenario(kind, seed, what.truth, laid, manner, who, said, checks=dict(what.checks))


# On the road ----------------------------------------------------------------------------------------------------------


def late(seed: int, number: int) -> Scenario:
    """The van will come after the time that was promised; the customer can still be told."""
    draw = scene.drawn("late", seed)
    laid = scene.place(number, "out")

    def happens() -> None:
        ground.make_late(laid, MINE, NOW, draw.randint(5, 14))

    mended: Check = lambda out: "retell" in out.texts or not out.late  # noqa: E731 (a check beside others)
    return Scenario("late", seed, NOTHING, laid, happens=happens, checks={"told": mended, "end": ends("out")})


def late_again(seed: int, number: int) -> Scenario:
    """The same, and their time was changed twice today already."""
    draw = scene.drawn("late_again", seed)
    laid = scene.place(number, "out")

    def happens() -> None:
        with store.transaction() as db:
            row = orders.get(db, laid.orders[MINE])
            for hours in (1, 2):
                lo = NOW + timedelta(hours=hours)
                zone = ZoneInfo(ground.ZONE)
                telling.promise_by_message(db, "plan:x", row, "retell", lo, lo + timedelta(hours=1), zone, NOW)
        ground.make_late(laid, MINE, NOW, draw.randint(5, 14))

    # another order of stops may bring the van in time: a person is called only where a third time would be told
    truth, never = Truth(told_twice=True, may_mend=True), (lambda out: out.texts.count("retell") <= 2)
    checks: dict[str, Check] = {"end": ends("out"), "told": never, "mended": lambda out: out.escalated or not out.late}
    return Scenario("late_again", seed, truth, laid, happens=happens, checks=checks, most_texts=4)


def missed(seed: int, number: int, *, third: bool = False) -> Scenario:
    """Nobody opens. The customer is asked, and answers by number or not at all."""
    kind = "missed_third" if third else "missed_first"
    draw = scene.drawn(kind, seed)
    given = {"ref": f"SC{number}-{MINE}/3"} if third else {}
    laid = scene.place(number, "out", given)

    def happens() -> None:
        van, rang = laid.vans["v2"], NOW + timedelta(minutes=2)
        with store.transaction() as db:
            ground.tap(db, "arrived", van, rang, laid.stops[MINE])
            ground.tap(db, "failed", van, rang, laid.orders[MINE], reason="nobody_home")
        ground.to(rang)
        with store.transaction() as db:
            timers.fire(db, rang)
        ground.work()
        _answer(laid, draw, answers=not third and draw.random() < 0.5)

    truth = Truth(tried_twice=third)
    ended = ends("failed", "out", "rescheduled", "returned")
    checks: dict[str, Check] = {"told": lambda out: bool(out.texts), "end": ended}
    return Scenario(kind, seed, truth, laid, happens=happens, checks=checks, most_texts=3)


def _answer(laid: ground.Laid, draw: random.Random, *, answers: bool) -> None:
    with store.transaction() as db:
        mine = case.c.subject.in_([laid.orders[MINE], laid.stops[MINE]]) & (case.c.status == "offered")
        row = db.execute(case.select().where(mine)).one_or_none()
        if row is None:
            return
        if answers:
            offers.choose(db, scene.customer_in(db, laid), draw.choice(sorted(row.facts["offer"])), NOW)
        else:
            offers.over(db, row.id)


def came_late(seed: int, number: int) -> Scenario:
    """An order comes in while the day runs, and a van that has not left has room."""
    draw = scene.drawn("came_late", seed)
    laid = scene.place(number, "waiting")

    def happens() -> None:
        with store.transaction() as db:
            place = 1 + draw.random()
            made = ground.an_order(
                db, laid.depot, "104", Wanted(None, place, {"windows": ((at("14:00"), at("18:00")),)})
            )
            publishing.came_late(db, laid.depot, DAY, [made], NOW)
            laid.orders["104"] = made  # type: ignore[index]

    def served(out: scene.Outcome) -> bool:
        return out.status.get("104") in (
            "new",
            "planned",
            "unassigned",
            "rescheduled",
        )  # new: it waits for a trip to share

    return Scenario("came_late", seed, Truth(), laid, happens=happens, checks={"end": served})


def damaged_case(seed: int, number: int) -> Scenario:
    """Scans contradict each other: a person finds the goods."""
    laid = scene.place(number, "out")

    def happens() -> None:
        with store.transaction() as db:
            facts = {"order": laid.orders[MINE], "vehicle": laid.vans["v2"]}
            cases.open_or_join(db, "custody_mismatch", laid.orders[MINE], laid.depot, DAY, facts, NOW)

    truth = Truth(money=True)
    return Scenario("custody", seed, truth, laid, happens=happens, checks={"end": ends("out")})


ROAD: dict[str, Callable[[int, int], Scenario]] = {
    "late": late, "late_again": late_again, "missed_first": missed,
    "missed_third": lambda seed, number: missed(seed, number, third=True), "came_late": came_late,
    "custody": damaged_case,
}  # fmt: skip
KINDS = (*TALKS, *ROAD)


def make(kind: str, seed: int, number: int) -> Scenario:
    """One instance; `number` is of its own in the database."""
    made = talk(kind, seed, number) if kind in TALKS else ROAD[kind](seed, number)
    made.before = scene.others(made.laid)
    return made
