"""What is known of a customer's door: where it truly is, how to get in, how long it takes. The next order to the same
address has it.

Kept by the person and the address as they wrote it, without case, accents, blanks and punctuation. What a person set
wins over what a geocoder finds and over coordinates that come with an order: those were wrong before.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import BadInput, NotFound
from core.store.tables import address_book, person


class Door(BaseModel):
    """What is known; what is left out stays as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(min_length=1, max_length=500)
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    notes: str | None = Field(None, max_length=1000)
    service_s: int | None = Field(None, ge=0, le=8 * 3600)

    @model_validator(mode="after")
    def _whole(self) -> Door:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("a place needs both lat and lon")
        return self


def key(address: str) -> str:
    folded = unicodedata.normalize("NFKD", address.casefold())
    return "".join(each for each in folded if each.isalnum())


def remember(db: Connection, person_id: str, door: Door, at: datetime) -> None:
    """Raises NotFound for a person that is not there, BadInput for an address without letters and digits."""
    if db.execute(select(person.c.id).where(person.c.id == person_id)).one_or_none() is None:
        raise NotFound(f"There is no person {person_id}.", "Look the id up on one of their orders.")
    if not key(door.address):
        raise BadInput("The address says nothing.", "Write it as on the orders.", field="address")
    known = door.model_dump(exclude_none=True) | {"at": at}
    row = known | {"person_id": person_id, "key": key(door.address)}
    statement = insert(address_book).values(row)
    db.execute(statement.on_conflict_do_update(index_elements=["person_id", "key"], set_=known))


def find(db: Connection, person_id: str, address: str) -> Row[tuple[object, ...]] | None:
    if not key(address):
        return None
    mine = (address_book.c.person_id == person_id) & (address_book.c.key == key(address))
    return db.execute(select(address_book).where(mine)).one_or_none()


def of_person(db: Connection, person_id: str) -> list[Door]:
    rows = db.execute(
        select(address_book).where(address_book.c.person_id == person_id).order_by(address_book.c.address)
    )
    return [Door.model_validate({name: getattr(row, name) for name in Door.model_fields}) for row in rows]
