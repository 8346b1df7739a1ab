"""The shadow says what it would do and does nothing; where the two differ is counted without anybody's words."""

from __future__ import annotations

from dataclasses import dataclass

from agent.embedded.planner import EmbeddedPlanner
from agent.planner import Answer, Escalate, Line, Situation, Step
from agent.shadow import Shadowed, gist
from tests.tools.a_case import Says

HELLO = Situation(
    kind="conversation", role="customer", channel="sms", messages=(Line(who="them", text="hello"),), today="2026-11-20"
)


@dataclass(frozen=True)
class Breaks:
    name: str = "breaks"
    version: str = "1"

    def next_step(self, situation: Situation) -> Step:
        raise RuntimeError("secret words")


def test_the_one_that_acts_decides_and_the_difference_is_kept_as_kinds_only() -> None:
    both = Shadowed(EmbeddedPlanner(), Says(Escalate(reason_code="safety", summary="Ana at 12 Oak St")))
    assert both.next_step(HELLO) == EmbeddedPlanner().next_step(HELLO)
    [(found, count)] = both.counts()
    assert (found.acted, found.shadow, count) == ("answer reply_greeting", "escalate safety", 1)
    assert "Ana" not in found.model_dump_json()


def test_phrasing_is_no_difference() -> None:
    both = Shadowed(EmbeddedPlanner(), Says(Answer(template="reply_greeting", text="Well hello!")))
    both.next_step(HELLO)
    assert (both.asked, both.disagreements) == (1, [])


def test_a_shadow_that_breaks_harms_nobody() -> None:
    both = Shadowed(EmbeddedPlanner(), Breaks())
    assert gist(both.next_step(HELLO)) == "answer reply_greeting"
    assert both.disagreements[0].shadow == "failed RuntimeError"
