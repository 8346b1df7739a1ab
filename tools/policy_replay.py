"""A changed policy over days that are past: which of the decisions on record would come out otherwise.

Each gate is judged again on the facts and the option that were recorded, and on nothing else. What a decision changed
for the ones after it (the day's spend, say) stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select

from core import blobs, log
from core.errors import DoorstepError, NotFound
from core.spend import NOTHING
from core.store.tables import case, log_entry
from tools import desk, policy
from tools.kinds import KINDS, action_kind
from tools.policy import Action, Policy, Verdict


class Judged(BaseModel):
    """One gate, as it was and as it would be; `why` says why it can't be judged again, when it can't."""

    model_config = ConfigDict(frozen=True)

    seq: int
    decision: str
    action: str
    was: str = ""
    was_rule: str = ""
    now: str = ""
    now_rule: str = ""
    day: str = ""
    said: str = ""
    """what became of it: auto, approved, rejected, escalated"""
    cost_cents: int = 0
    """of the option, beside doing nothing: driving, lateness and promises, as priced then"""
    nothing_cents: int = 0
    why: str = ""

    @property
    def differs(self) -> bool:
        return self.was != self.now


class Change(BaseModel):
    """Decisions of one action that would go from one verdict to another, and what that comes to."""

    model_config = ConfigDict(frozen=True)

    action: str
    was: str
    now: str
    decisions: int
    days: int
    cost_cents: int
    """of what they did or proposed, beside doing nothing; below 0 it saved"""
    people: int
    """how many more of them a person would be asked about; below 0 fewer"""


def changes(judged: Iterable[Judged]) -> list[Change]:
    """The decisions that differ, by action and what becomes of them, in words' order."""
    groups: dict[tuple[str, str, str], list[Judged]] = {}
    for each in judged:
        if each.differs and not each.why:
            groups.setdefault((each.action, each.was, each.now), []).append(each)
    return [
        Change(
            action=action, was=was, now=now, decisions=len(rows), days=len({row.day for row in rows}),
            cost_cents=sum(row.cost_cents - row.nothing_cents for row in rows),
            people=((now == "ask") - (was == "ask")) * len(rows),
        )
        for (action, was, now), rows in sorted(groups.items())
    ]  # fmt: skip


def last_days(db: Connection, days: int) -> list[date]:
    """The newest days of which decisions are on record, oldest first; at most so many."""
    mine = log_entry.c.kind == "decision"
    query = select(log_entry.c.day).where(mine).distinct().order_by(log_entry.c.day.desc()).limit(days)
    return sorted(db.execute(query).scalars())


def replay(db: Connection, rules: Policy, day: date | None = None) -> Iterator[Judged]:
    """Every recorded gate of a day (or of all) under these rules, in the order of the log."""
    for entry in log.entries(db, log.Filter(kind="decision", day=day)):
        told = {"day": entry.day.isoformat(), "said": entry.body["verdict"]}
        try:
            judged = _judge(db, rules, entry.seq, entry.body)
        except DoorstepError as error:
            told |= {"why": str(error)}
            yield Judged(seq=entry.seq, decision=entry.body["id"], action=entry.body["action"], **told)
        else:
            if judged is not None:
                yield judged.model_copy(update=told)


def _judge(db: Connection, rules: Policy, seq: int, body: Mapping[str, Any]) -> Judged | None:
    """None for an entry that no gate led to: an offer, an undo, an escalation that asked nobody."""
    if "solve" in body["inputs"]:
        return _published(rules, seq, body)
    gate = _gate(db, body)
    if gate is None or body["action"] == "offer":
        return None
    hashes, outcome = gate
    option = next(o for o in outcome["options"] if o["id"] == outcome["picked"])
    if hashes["kind"] not in KINDS:
        raise NotFound(f"Cases of kind {hashes['kind']} are not worked any more.", "Replay it with the release before.")
    action = action_kind(hashes["kind"], option)
    verdict = desk.judge(rules, action, hashes["stop"], blobs.get(db, hashes["facts"]), option)
    was = outcome["verdict"]
    nothing = next((o["cost_cents"] for o in outcome["options"] if o["id"] == NOTHING), 0)
    prices = {"cost_cents": int(option["cost_cents"]), "nothing_cents": int(nothing)}
    return _compared(seq, body["id"], action, was["verdict"], was["rule"], verdict).model_copy(update=prices)


def _gate(db: Connection, body: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Inputs and outcome of the gate that led to a decision. An action that policy denied is an escalation without
    them; they are on its case."""
    if body["inputs"]:
        found = body["inputs"], body["outcome"]
    else:
        kept = db.execute(select(case.c.inputs).where(case.c.id == body["case"])).scalar_one_or_none() or {}
        found = kept.get("hashes", {}), kept.get("outcome", {})
        denied = (found[1].get("verdict") or {}).get("rule") == body["rule"]
        if body["verdict"] != "escalated" or not denied:
            return None
    return found if found[1].get("verdict") else None


def _published(rules: Policy, seq: int, body: Mapping[str, Any]) -> Judged:
    facts: dict[str, policy.Value] = {"violations": 0, "unassigned": len(body["outcome"]["unassigned"])}
    verdict = policy.decide(rules, Action(kind="plan.publish", subject=body["case"]), facts)
    was = "auto" if body["verdict"] == "auto" else "ask"
    return _compared(seq, body["id"], "plan.publish", was, body["rule"], verdict)


def _compared(seq: int, decision: str, action: str, was: str, was_rule: str, verdict: Verdict) -> Judged:
    return Judged(
        seq=seq, decision=decision, action=action, was=was, was_rule=was_rule, now=verdict.verdict,
        now_rule=verdict.rule,
    )  # fmt: skip
