"""Kinds of case that staff ask for in a conversation (`tools.wishes`): a stop to another van, a van relieved, customers
told. What is asked for is shown as a diff and done when they say yes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from core import orders
from optimizer.options import Scope
from tools.kinds.kind import Kind, shares_its_door


def _to_van(db: Connection, row: Row[Any]) -> Scope:
    return Scope(shared=shares_its_door(db, row), to=row.facts.get("to"))


def _from_van(db: Connection, row: Row[Any]) -> Scope:
    return Scope(vehicle=row.subject, stops=tuple(row.facts["stops"]), give=int(row.facts["give"]))


def _told(db: Connection, row: Row[Any]) -> Scope:
    """One order's customer, or all whom a van has still to visit."""
    return Scope(stops=tuple(row.facts["stops"])) if "stops" in row.facts else Scope()


KINDS: dict[str, Kind] = {
    "reassign": Kind(("wait", "reassign"), actions={"wait": "keep"}, about=orders.OPEN, scope=_to_van),
    "rebalance": Kind(("wait", "rebalance"), actions={"wait": "keep", "rebalance": "reassign"}, scope=_from_van),
    "notify": Kind(("wait", "retell"), actions={"wait": "keep"}, scope=_told),
}
