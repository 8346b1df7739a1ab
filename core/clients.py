"""Clients: whose orders we carry, and what was agreed with them. An order may name a client that nobody put in yet."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core.store.tables import client

Retry: TypeAlias = Literal["same_day", "next_day", "return"]


class Client(BaseModel):
    """An account with its service level agreement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    name: str = Field(min_length=1, max_length=200)
    latest_min: int = Field(0, ge=0, le=24 * 60)
    """minutes after a window's end that still count as on time"""
    attempts: int = Field(2, ge=1, le=10)
    """times that the door is tried before the goods go back"""
    retry: Retry = "next_day"
    """what follows a failed attempt while attempts are left"""


DEFAULT = Client(id="default", name="Everybody else")


def put(db: Connection, new: Client) -> None:
    row = new.model_dump()
    changed = {name: value for name, value in row.items() if name != "id"}
    db.execute(insert(client).values(row).on_conflict_do_update(index_elements=["id"], set_=changed))


def get(db: Connection, client_id: str) -> Client:
    """The agreement with a client; with one that nobody put in, the default's."""
    known = {row.id: row for row in db.execute(select(client).where(client.c.id.in_([client_id, DEFAULT.id])))}
    found = known.get(client_id) or known.get(DEFAULT.id)
    return DEFAULT if found is None else _client(found)


def every(db: Connection) -> list[Client]:
    return [_client(row) for row in db.execute(select(client).order_by(client.c.id))]


def _client(row: Row[tuple[object, ...]]) -> Client:
    return Client.model_validate(dict(row._mapping))
