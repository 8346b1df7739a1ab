"""Tool: which order staff mean by a reference, the end of one, or its customer's half-remembered name. Reads only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, select

from core import orders
from core.principals import Principal
from core.store.tables import order, person
from tools import tracker

MOST = 6
"""so many are shown to choose from"""
LOOK_BACK = timedelta(days=2)
"""older orders are found by their whole reference only"""
ALIKE = 0.8
"""how alike a misspelt name must be: one slip in five letters"""


def status(db: Connection, who: Principal, said: str, now: datetime) -> list[dict[str, Any]]:
    """Where the order that staff mean is; several to choose from as `orders`, none as `not_found`."""
    rows = meant(db, who, said, now)
    if not rows:
        return [tracker.fact("not_found", said[:40], "orders", now)]
    if len(rows) > 1:
        return [tracker.fact("orders", ", ".join(row.ref for row in rows[:MOST]), "orders", now)]
    return tracker.order_status(db, rows[0].id, now)


def meant(db: Connection, who: Principal, said: str, now: datetime) -> list[Row[Any]]:
    """The orders that this may mean: by reference, else by the end of one, else by name, else by a name like it."""
    exact = orders.by_ref(db, said, None, who.client)
    if exact is not None:
        return [exact]
    query = (
        select(order, person.c.name)
        .outerjoin(person, person.c.id == order.c.person_id)
        .where(order.c.day >= (now - LOOK_BACK).date())
        .order_by(order.c.day, order.c.ref)
    )
    known = list(db.execute(query))
    return _by_end(known, said) or _by_name(known, said)


def _by_end(known: list[Row[Any]], said: str) -> list[Row[Any]]:
    end = re.sub(r"[^a-z0-9]", "", said.casefold())
    if len(end) < 2 or not any(letter.isdigit() for letter in end):
        return []
    return [row for row in known if re.sub(r"[^a-z0-9]", "", row.ref.casefold()).endswith(end)]


def _by_name(known: list[Row[Any]], said: str) -> list[Row[Any]]:
    wanted = _words(said)
    names = {row.id: _words(row.name or "") for row in known}
    found = [row for row in known if wanted and wanted <= names[row.id]]
    if found or not wanted:
        return found
    close = like(wanted, {word for words in names.values() for word in words})
    return [row for row in known if close and all(close[word] & names[row.id] for word in wanted)]


def like(said: set[str], known: set[str]) -> Mapping[str, set[str]]:
    """Each word that was said with those known that are spelt much like it; empty when one has none."""
    close = {word: set(get_close_matches(word, sorted(known), n=3, cutoff=ALIKE)) for word in sorted(said)}
    return close if all(close.values()) else {}


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return {word.removesuffix("'s") for word in re.findall(r"[a-z']+", "".join(c for c in plain if c.isascii()))}
