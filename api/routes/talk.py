"""Chat, and the tokens and links by which people come in."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from agent import conversation
from agent.saying import Turn
from api import answers
from api.answers import shown
from api.auth import COOKIE, Admin, Talker
from core import clock, principals
from core.errors import NotFound
from core.settings import settings
from core.store import db as store
from core.store.tables import driver, person
from tools import desk

router = APIRouter(tags=["people"])


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=conversation.MAX_CHARS)
    key: str | None = Field(None, min_length=1, max_length=200)
    """of the sender's: the same message sent again gets the same reply, and does nothing twice"""


@router.post("/api/chat")
def chat(who: Talker, said: Annotated[Said, Body()]) -> Turn:
    """Say something to the assistant. Customers see their own orders only."""
    return conversation.turn(who, said.text, key=said.key)


@router.get("/api/tools/{name}")
def use_tool(who: Talker, name: str, order: str = "", about: str = "") -> dict[str, Any]:
    """Read with one of the tools in your box, as the assistant would."""
    with store.snapshot() as db:
        args = {key: value for key, value in (("order", order), ("about", about)) if value}
        return {"facts": desk.look(db, who, name, args, clock.now(db))}


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: str
    subject: str = Field(max_length=200)
    days: int | None = Field(None, ge=1, le=3650)


@router.post("/api/admin/tokens", **shown(answers.Token))
def make_token(who: Admin, ask: Annotated[NewToken, Body()]) -> dict[str, Any]:
    """Make a token for somebody; it is shown this once."""
    with store.transaction() as db:
        known = {"driver": driver.c.id, "customer": person.c.id}.get(ask.role)
        if known is not None and db.execute(select(known).where(known == ask.subject)).one_or_none() is None:
            raise NotFound(
                f"There is no {ask.role} {ask.subject[:60]!r}.", "Give a driver id or a person id.", field="subject"
            )
        made = principals.ensure(db, ask.role, ask.subject)
        ends = clock.system_now() + timedelta(days=ask.days) if ask.days else None
        return {"token": principals.issue(db, made, expires_at=ends), "principal": made.id}


@router.get("/signin/{code}", include_in_schema=False)
def sign_in(code: str) -> RedirectResponse:
    """A one-time link: the first visit signs in, a second one is refused."""
    with store.transaction() as db:
        session = principals.redeem_link(db, code, clock.system_now())
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        COOKIE, session, httponly=True, samesite="strict", secure=settings().url.startswith("https:"), max_age=12 * 3600
    )
    return answer
