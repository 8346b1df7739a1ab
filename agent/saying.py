"""What a turn comes to: what is said (`Said`), and what whoever spoke gets back (`Turn`)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from agent.planner import Fact

TABLE = "table"
"""name of the fact that is a small table: rows of cells, tab between cells, newline between rows, heads first"""
Table = tuple[tuple[str, ...], ...]


class Turn(BaseModel):
    """What came back: the reply, what was understood, the case it opened, and the facts that the reply rests on."""

    model_config = ConfigDict(frozen=True)

    reply: str
    intent: str
    case: str | None = None
    choices: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    table: Table = ()
    """heads, then rows: the figures behind the reply"""
    proposal: str | None = None
    """digest of exactly what was shown and waits for a yes"""


@dataclass(frozen=True)
class Said:
    """What to reply, before it is written down."""

    text: str
    case: str | None = None
    question: str | None = None
    """what it asks: a slot, or a verdict with what it is about (`agent.staff.verdicts`)"""
    choices: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    proposal: str | None = None


def table_of(facts: tuple[Fact, ...]) -> Table:
    """The newest table among the facts, none when there is none."""
    text = next((str(fact.value) for fact in reversed(facts) if fact.name == TABLE), "")
    return tuple(tuple(line.split("\t")) for line in text.split("\n")) if text else ()


def without_table(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.name != TABLE)
