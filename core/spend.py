"""What decisions cost and saved, in cents: the option that was taken beside doing nothing, as both were priced then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from core.store.tables import case, decision, log_entry

CARRIED_OUT = ("auto", "approved")
NOTHING = "wait"


@dataclass
class Spend:
    """Of the decisions of one kind of case, those that policy let through or those that a person approved."""

    decisions: int = 0
    cost_cents: int = 0
    """of what was done: driving, lateness, broken and re-told promises, as `optimizer.options` prices them"""
    nothing_cents: int = 0
    """of doing nothing instead"""

    def as_json(self) -> dict[str, int]:
        saved = self.nothing_cents - self.cost_cents
        return {"decisions": self.decisions, "cost_cents": self.cost_cents, "saved_cents": saved}


def of_day(db: Connection, day: date) -> dict[str, dict[str, Spend]]:
    """Case kind -> verdict -> sums. A decision that was undone is not counted: it cost nothing and saved nothing."""
    query = (
        select(case.c.kind, decision.c.verdict, log_entry.c.body)
        .join(case, case.c.id == decision.c.case_id)
        .join(log_entry, log_entry.c.seq == decision.c.seq)
        .where(case.c.day == day, decision.c.verdict.in_(CARRIED_OUT), decision.c.undone_by.is_(None))
        .order_by(decision.c.seq)
    )
    found: dict[str, dict[str, Spend]] = {}
    for row in db.execute(query):
        prices = _prices(json.loads(row.body))
        if prices is not None:
            sums = found.setdefault(row.kind, {}).setdefault(row.verdict, Spend())
            sums.decisions += 1
            sums.cost_cents += prices[0]
            sums.nothing_cents += prices[1]
    return found


def _prices(body: dict[str, Any]) -> tuple[int, int] | None:
    """What the option taken cost, and doing nothing; None where there was no choice between options."""
    options = {each["id"]: each for each in body["outcome"].get("options", [])}
    picked, nothing = options.get(body["applied"].get("picked")), options.get(NOTHING)
    if picked is None or nothing is None:
        return None
    return int(picked["cost_cents"]), int(nothing["cost_cents"])
