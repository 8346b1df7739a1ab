"""Texts from outside that wait: each is answered as a line of its sender's conversation, in the order they came in.

What is answered twice gets the reply that it got; what can't be answered goes to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Row

from agent import conversation
from agent.understanding.understand import understand
from core import clock, inbound, principals
from core.errors import NotFound, Unavailable
from core.principals import Principal
from core.store import db as store
from tools import desk, driver_talk, pictures
from tools.pictures import Picture

log = structlog.get_logger("texting")

ONLY_PICTURES = "(a picture)"
"""what a text without words is in the conversation"""


def work(principal_id: str, fetch: Callable[[str], Picture | None] = pictures.fetch) -> None:
    """Answer everything that somebody has texted. Raises Unavailable when it is to be tried again."""
    while True:
        with store.transaction() as db:
            row = inbound.oldest(db, principal_id)
            who = principals.get(db, principal_id) if row is not None else None
        if row is None or who is None:
            return
        try:
            _answer(who, row, fetch)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("text.failed", text=row.id)
            _to_a_person(who, type(error).__name__)
        with store.transaction() as db:
            inbound.done(db, row.id, clock.now(db))


def _answer(who: Principal, row: Row[Any], fetch: Callable[[str], Picture | None]) -> None:
    found = [picture for url in row.pictures if (picture := fetch(url)) is not None]
    words = (row.body or "").strip() or ONLY_PICTURES
    if who.role == "customer":
        conversation.turn(who, words, key=row.id, channel=row.channel)
        with store.transaction() as db:
            pictures.keep(db, who, found, clock.now(db))
        return
    danger = understand(words).intent == "safety"
    with store.transaction() as db:
        driver_talk.said(db, who, words, row.id, clock.now(db), danger=danger)


def _to_a_person(who: Principal, error: str) -> None:
    with store.transaction() as db:
        try:
            desk.hand_over(db, who, "internal_error", who.id, clock.now(db))
        except NotFound:  # nobody's order: there is no depot to hand them to
            log.warning("text.nobody", error=error)
