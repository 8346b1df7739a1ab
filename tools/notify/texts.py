"""What one customer is told, in whose words and which language: the client's own text when it has one, else ours.

A client's text is data, in the table `template`; it is linted before it is kept, so that what is kept can be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import BadInput, NotFound
from core.store.tables import order, person, template
from tools.notify import accounts, lengths, templates

MAX_TEXT = 480


def compose(db: Connection, row: Row[Any], name: str, **facts: str | int) -> str:
    """A message about an order, as its customer reads it."""
    lang = language(db, row)
    return templates.render(name, own(db, row.client, lang, name), lang=lang, **facts)


def language(db: Connection, row: Row[Any]) -> str:
    """The language of an order's customer: their own choice, else the client's."""
    chosen = db.execute(select(person.c.lang).where(person.c.id == row.person_id)).scalar_one_or_none()
    return str(chosen or accounts.of(row.client).language)


def own(db: Connection, client: str, lang: str, name: str) -> str | None:
    """The client's own words for a template."""
    mine = (template.c.client == client) & (template.c.lang == lang) & (template.c.name == name)
    text: str | None = db.execute(select(template.c.body).where(mine)).scalar_one_or_none()
    return text


def keep(db: Connection, client: str, lang: str, name: str, text: str, by: str, at: datetime) -> None:
    """Say it in the client's words from now on. Raises BadInput with what is wrong with them."""
    _check(lang, name)
    if not client or (client not in accounts.in_force().clients and not _has_orders(db, client)):
        raise NotFound(f"There is no client {client[:60]!r}.", "Use the name that its orders carry.", field="client")
    if findings := lint(name, text, lang):
        raise BadInput(f"This text {'; it '.join(findings)}.", "Correct it and preview it first.", field="text")
    row = {"client": client, "lang": lang, "name": name, "body": text, "at": at, "by": by}
    fresh = {field: row[field] for field in ("body", "at", "by")}
    keys = ["client", "lang", "name"]
    db.execute(insert(template).values(row).on_conflict_do_update(index_elements=keys, set_=fresh))


def drop(db: Connection, client: str, lang: str, name: str) -> None:
    """Back to our words."""
    mine = (template.c.client == client) & (template.c.lang == lang) & (template.c.name == name)
    if not db.execute(delete(template).where(mine)).rowcount:
        raise NotFound(f"{client[:60]} has no text of its own for {name[:60]} in {lang[:10]}.", "Ours is said already.")


def lint(name: str, text: str, lang: str) -> list[str]:
    """What is wrong with a client's text; empty when it may be kept."""
    long = [f"has {len(text)} characters, {MAX_TEXT} at most"] if len(text) > MAX_TEXT else []
    return long or templates.lint_text(name, text, lang)


def preview(
    db: Connection, client: str, lang: str, name: str, text: str | None, facts: Mapping[str, str]
) -> dict[str, Any]:
    """How a text will read: with these facts, and long but real samples for the rest."""
    _check(lang, name)
    words = text if text is not None else own(db, client, lang, name) or templates.shipped(name, lang)
    findings = lint(name, words, lang)
    filled = {field: templates.sample(field, lang) for field in templates.fields(name)} | dict(facts)
    said = "" if findings else templates.render(name, words, lang=lang, **filled)
    return {"text": said, "segments": lengths.segments(said) if said else 0, "findings": findings}


def listing(db: Connection, client: str, lang: str) -> list[dict[str, Any]]:
    """Every text that is sent unasked, as this client's customers read it."""
    mine = (template.c.client == client) & (template.c.lang == lang)
    kept = {row.name: row for row in db.execute(select(template).where(mine))}
    return [
        {
            "name": name, "lang": lang, "fields": list(templates.fields(name)), "own": name in kept,
            "text": kept[name].body if name in kept else templates.shipped(name, lang),
            "stage": stage if (stage := accounts.stage_of(name)) in accounts.STAGES else None,
        }
        for name in sorted(templates.UNASKED)
    ]  # fmt: skip


def _check(lang: str, name: str) -> None:
    if lang not in templates.LANGUAGES:
        fix = f"Languages are {', '.join(templates.LANGUAGES)}."
        raise BadInput(f"There are no texts in {lang[:10]!r}.", fix, field="lang")
    if name not in templates.UNASKED:
        fix = f"Use one of {', '.join(sorted(templates.UNASKED))}."
        raise BadInput(f"There is no such text: {name[:60]!r}.", fix, field="name")


def _has_orders(db: Connection, client: str) -> bool:
    return db.execute(select(order.c.id).where(order.c.client == client).limit(1)).one_or_none() is not None
