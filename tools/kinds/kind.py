"""What a kind of case is, and which orders a case of it is about. The kinds themselves are rows in `tools.kinds`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from core import orders
from optimizer.options import Scope
from tools.policy import Value


def _nothing(db: Connection, row: Row[Any]) -> str | None:
    return None


def _no_facts(db: Connection, row: Row[Any], now: datetime) -> dict[str, Value]:
    return {}


def _no_evidence(db: Connection, row: Row[Any]) -> list[dict[str, Any]]:
    return []


def _one_stop(db: Connection, row: Row[Any]) -> Scope:
    """An order of its stop, or all that are still to be served there."""
    if "order" in row.facts:
        return Scope(shared=shares_its_door(db, row))
    return Scope(orders=max(1, sum(o.status in orders.OPEN for o in orders.at_stop(db, row.subject))))


@dataclass(frozen=True)
class Kind:
    """One kind of case."""

    tried: tuple[str, ...]
    """option kinds of the optimizer; doing nothing is always among them"""
    actions: Mapping[str, str] = field(default_factory=dict)
    """option kind -> what it is to policy and to `ACTIONS`, where that is not its own name"""
    charged: Mapping[str, int] = field(default_factory=dict)
    """option kind -> how many times `Weights.postponed` its price changes by: when a customer asked for another day, it
    is doing nothing that costs the failed attempt, not the move"""
    about: frozenset[str] = orders.OPEN
    """order statuses in which there is still something to decide; empty: it is about no order"""
    scope: Callable[[Connection, Row[Any]], Scope] = _one_stop
    """what the question is about besides its stop"""
    settled: Callable[[Connection, Row[Any]], str | None] = _nothing
    """reason code with which it is closed before anything is weighed"""
    facts: Callable[[Connection, Row[Any], datetime], dict[str, Value]] = _no_facts
    """what policy judges besides what it judges of every case"""
    known: tuple[str, ...] = ()
    """names among the case's facts that are figures for the planner, too"""
    evidence: Callable[[Connection, Row[Any]], list[dict[str, Any]]] = _no_evidence
    """what else is known, each figure with its source, for the planner and for a person"""
    wished: frozenset[str] = frozenset()
    """option kinds that only a customer or a dispatcher chooses: to the planner they are not possible"""
    awaits: frozenset[str] = frozenset()
    """option kinds that ask somebody something: the case goes on with their answer, or without it after a while"""
    offers: tuple[str, ...] = ()
    """option kinds between which the customer is asked to choose, in this order, before the planner does"""
    asks: str = "offer"
    """the text with which they are asked"""
    words: Mapping[str, str] = field(default_factory=dict)
    """option kind -> the text of the choice, where that is not `choice_` and its name"""
    answer_within: timedelta = timedelta(minutes=30)


def case_orders(db: Connection, row: Row[Any]) -> list[Row[Any]]:
    """The orders that a case is about."""
    if "stops" in row.facts:
        return [mine for stop in row.facts["stops"] for mine in orders.at_stop(db, stop)]
    if "order" in row.facts:
        return [orders.get(db, row.facts["order"])]
    return orders.at_stop(db, row.subject)


def shares_its_door(db: Connection, row: Row[Any]) -> bool:
    """Does the van come to this door for somebody else's order anyhow?"""
    return "order" in row.facts and has_company(db, orders.get(db, row.facts["order"]))


def has_company(db: Connection, mine: Row[Any]) -> bool:
    """Is there another order at this order's door?"""
    return any(o.id != mine.id and o.status in ("planned", "out") for o in orders.at_stop(db, mine.stop_id))
