"""Texts of clients, and how people want to be written to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Staff
from core import clock, preferences
from core.errors import BadInput
from core.store import db as store
from tools.notify import contact, templates, texts

router = APIRouter(prefix="/api", tags=["messages"])


@router.get("/templates")
def get_templates(who: Staff, client: str = "default", lang: str = "en") -> dict[str, Any]:
    """The texts that a client's customers are sent unasked, the client's own or ours."""
    if lang not in templates.LANGUAGES:
        fix = f"Languages are {', '.join(templates.LANGUAGES)}."
        raise BadInput(f"There are no texts in {lang[:10]!r}.", fix, field="lang")
    with store.snapshot() as db:
        return {"client": client, "lang": lang, "templates": texts.listing(db, client, lang)}


class Preview(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=60)
    client: str = Field("default", max_length=200)
    lang: str = Field("en", max_length=10)
    text: str | None = Field(None, max_length=2000)
    """words to try; without them, those that would be said now"""
    facts: dict[str, str] = {}
    """values to fill in; samples stand for the rest"""


@router.post("/templates/preview")
def preview(who: Staff, ask: Annotated[Preview, Body()]) -> dict[str, Any]:
    """How a text reads with facts filled in, how many SMS segments it takes, and what is wrong with it."""
    with store.snapshot() as db:
        return texts.preview(db, ask.client, ask.lang, ask.name, ask.text, ask.facts)


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=2000)


@router.put("/templates/{client}/{lang}/{template}")
def put_template(who: Staff, client: str, lang: str, template: str, ask: Annotated[Words, Body()]) -> dict[str, Any]:
    """Say it in the client's words from now on; refused with what is wrong with them."""
    with store.transaction() as db:
        texts.keep(db, client, lang, template, ask.text, who.id, clock.now(db))
        return texts.preview(db, client, lang, template, None, {})


@router.delete("/templates/{client}/{lang}/{template}")
def delete_template(who: Staff, client: str, lang: str, template: str) -> dict[str, Any]:
    """Back to our own words."""
    with store.transaction() as db:
        texts.drop(db, client, lang, template)
        return texts.preview(db, client, lang, template, None, {})


class Contact(BaseModel):
    """What is not given stays as it is."""

    model_config = ConfigDict(extra="forbid")

    opted_out: bool | None = None
    lang: str | None = Field(None, max_length=10)
    tz: str | None = Field(None, max_length=60)


@router.put("/people/{person_id}/contact")
def set_contact(who: Staff, person_id: str, ask: Annotated[Contact, Body()]) -> dict[str, Any]:
    """How a person wants to be written to: opted out or in, language, time zone. Empty takes a choice back."""
    with store.transaction() as db:
        if ask.lang is not None:
            if ask.lang and ask.lang not in templates.LANGUAGES:
                fix = f"Languages are {', '.join(templates.LANGUAGES)}."
                raise BadInput(f"There are no texts in {ask.lang!r}.", fix, field="lang")
            preferences.set_language(db, person_id, ask.lang)
        if ask.tz is not None:
            preferences.set_zone(db, person_id, ask.tz)
        if ask.opted_out is not None:
            change = contact.opted_out if ask.opted_out else contact.opted_in
            change(db, person_id, who.id, clock.now(db))
        return preferences.of(db, person_id)
