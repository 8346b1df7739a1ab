"""Cases, proposals and decisions: look, approve, reject, edit, close, undo."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select

from api import answers, cursor
from api.answers import shown
from api.auth import Anyone, Staff
from api.days import Day
from core import cases, clock, decisions, principals
from core.clock import iso
from core.errors import Stale
from core.store import db as store
from core.store.tables import case, decision
from tools import approvals, desk, handover

router = APIRouter(prefix="/api", tags=["cases and decisions"])

FILTERS = {
    "open": case.c.closed_at.is_(None) & (case.c.status != "folded"),
    "folded": case.c.status == "folded",
    "waiting": case.c.status == "waiting",
    "escalated": case.c.status == "escalated",
    "closed": case.c.closed_at.is_not(None),
}


@router.get("/cases", **shown(answers.Cases))
def list_cases(
    who: Staff, status: Literal["open", "folded", "waiting", "escalated", "closed"] | None = None,
    depot: str | None = None, day: Day | None = None, limit: int = Query(500, ge=1, le=5000),
) -> dict[str, Any]:  # fmt: skip
    """Cases, those with the earliest by-when first."""
    query = select(case).order_by(case.c.due_by.asc().nulls_last(), case.c.opened_at, case.c.id).limit(limit)
    if status is not None:
        query = query.where(FILTERS[status])
    if depot is not None:
        query = query.where(case.c.depot_id == depot)
    if day is not None:
        query = query.where(case.c.day == day)
    with store.snapshot() as db:
        return {"cases": [_case(db, row) for row in db.execute(query).all()]}


@router.get("/cases/{case_id}", **shown(answers.CaseStory))
def get_case(who: Staff, case_id: str) -> dict[str, Any]:
    with store.snapshot() as db:
        row = cases.get(db, case_id)
        return _case(db, row) | {"decisions": [_decision(d) for d in decisions.of_case(db, case_id)]}


def _case(db: Connection, row: Any) -> dict[str, Any]:
    asked = cases.open_proposal(db, row.id) if row.status == "waiting" else None
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "depot": row.depot_id,
        "day": row.day.isoformat(),
        "status": row.status,
        "version": row.version,
        "opened_at": iso(row.opened_at),
        "closed_at": iso(row.closed_at) if row.closed_at else None,
        "facts": row.facts,
        "options": row.options,
        "verdict": row.inputs.get("outcome", {}).get("verdict"),
        "reason_code": row.reason_code,
        "owner": row.owner,
        "owner_name": principals.names(db, [row.owner]).get(row.owner) if row.owner else None,
        "due_by": iso(row.due_by) if row.due_by else None,
        "proposal": {
            "digest": asked.digest,
            "option": asked.option_id,
            "action": asked.action,
            "cost_lo": asked.cost_lo,
            "cost_hi": asked.cost_hi,
        }
        if asked
        else None,
    }


@router.get("/handover", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def hand_over_note(who: Staff, form: Annotated[Literal["json", "text"], Query(alias="format")] = "json") -> Response:
    """The note of one shift to the next: open cases and whose they are, promises at risk, what was decided in the last
    eight hours. As JSON, or with `format=text` to read aloud."""
    with store.snapshot() as db:
        found = handover.note(db, clock.now(db))
    return PlainTextResponse(handover.as_text(found)) if form == "text" else JSONResponse(found)


class Wish(BaseModel):
    """What is wanted of an order: `cancel`, `reschedule` with the `day`; of a delivered one: `missing_delivery`,
    `damage`."""

    model_config = ConfigDict(extra="forbid")

    action: str = Field(max_length=40)
    order: str = Field(min_length=1, max_length=80, description="its reference")
    day: Day | None = None
    photo: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of `damage`: the sha256 of a picture")


@router.post("/cases", **shown(answers.CaseOpened))
def ask_for(who: Anyone, wish: Annotated[Wish, Body()]) -> dict[str, Any]:
    """Ask for something about an order: opens the case that works it, or joins the open one. Nothing is done yet."""
    args = {"order": wish.order} | ({"day": wish.day.isoformat()} if wish.day else {})
    args |= {"photo": wish.photo} if wish.photo else {}
    with store.transaction() as db:
        return {"case": desk.propose(db, who, wish.action, args, clock.now(db))}


class Yes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    proposal: str = Field(min_length=1, max_length=100)


class No(Yes):
    reason: str = Field(max_length=500)


class Other(Yes):
    option: str = Field(max_length=100)


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=1000)
    called: bool = Field(False, description="the customers that it is about have been told by phone")


@router.post("/cases/{case_id}/approve", **shown(answers.CaseStatus))
def approve(who: Staff, case_id: str, ask: Annotated[Yes, Body()]) -> dict[str, Any]:
    """Say yes to exactly what was shown. Who comes second is told who decided; what has changed is shown anew."""
    with store.transaction() as db:
        holds = approvals.approve(db, who, case_id, ask.proposal)
    if not holds:
        raise Stale(
            "What this rests on has changed since it was shown.", "It is computed again: read the case and decide anew."
        )
    return {"case": case_id, "status": "approved"}


@router.post("/cases/{case_id}/reject", **shown(answers.DecisionMade))
def reject(who: Staff, case_id: str, ask: Annotated[No, Body()]) -> dict[str, Any]:
    """Say no, with the reason. The case is then yours."""
    with store.transaction() as db:
        return {"decision": approvals.reject(db, who, case_id, ask.proposal, ask.reason, clock.now(db))}


@router.post("/cases/{case_id}/edit", **shown(answers.ProposalMade))
def edit(who: Staff, case_id: str, ask: Annotated[Other, Body()]) -> dict[str, Any]:
    """Choose another option: a new proposal, to be approved by its own digest."""
    with store.transaction() as db:
        return {"proposal": approvals.edit(db, who, case_id, ask.proposal, ask.option, clock.now(db))}


@router.post("/cases/{case_id}/close", **shown(answers.CaseStatus))
def close(who: Staff, case_id: str, ask: Annotated[Note, Body()]) -> dict[str, Any]:
    """An escalated case is settled."""
    with store.transaction() as db:
        approvals.close(db, who, case_id, ask.note, clock.now(db), called=ask.called)
    return {"case": case_id, "status": "closed"}


@router.get("/decisions", **shown(answers.Decisions))
def list_decisions(
    who: Staff, case_id: Annotated[str | None, Query(alias="case")] = None, after: cursor.After = None,
    limit: int = Query(500, ge=1, le=5000),
) -> dict[str, Any]:  # fmt: skip
    """Decisions, newest first, a page at a time."""
    query = select(decision).order_by(decision.c.seq.desc()).limit(limit + 1)
    if case_id is not None:
        query = query.where(decision.c.case_id == case_id)
    if after is not None:
        query = query.where(decision.c.seq < cursor.read(after, int)[0])
    with store.snapshot() as db:
        rows, onward = cursor.page(db.execute(query).all(), limit, lambda row: cursor.write(row.seq))
    return {"decisions": [_decision(row) for row in rows], "next": onward}


@router.get("/decisions/{decision_id}")
def get_decision(who: Staff, decision_id: str) -> dict[str, Any]:
    """One decision as the log holds it."""
    with store.snapshot() as db:
        return _decision(decisions.get(db, decision_id)) | {"record": decisions.body(db, decision_id)}


@router.post("/decisions/{decision_id}/undo")
def undo(who: Staff, decision_id: str) -> dict[str, Any]:
    """Take a decision back where the world allows, else compensate; the answer says which."""
    with store.transaction() as db:
        return approvals.undo(db, who, decision_id, clock.now(db))


def _decision(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "case": row.case_id,
        "seq": row.seq,
        "verdict": row.verdict,
        "rule": row.rule,
        "action": row.action,
        "approver": row.approver,
        "cost": row.cost,
        "undone_by": row.undone_by,
        "at": iso(row.at),
    }
