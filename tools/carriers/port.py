"""The ports for carriers: prices, and booking. A carrier that fails or declines is a value, so that the others still
count; one whose answer is lost is `Unclear`, and is asked before anything is booked again."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

RefusalReason: TypeAlias = Literal["too_heavy", "too_far", "day_not_served", "unavailable", "refused"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parcel(Frozen):
    weight_g: Annotated[int, Field(gt=0)]
    """of all pieces together"""
    pieces: Annotated[int, Field(ge=1)] = 1


class Place(Frozen):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Quote(Frozen):
    """A price that holds for the day asked for."""

    carrier: str
    service: str
    cost_cents: int
    currency: str
    pickup: date
    delivery: date
    source: str
    """where the price comes from, as a dispatcher may check it"""


class Refusal(Frozen):
    """Why a carrier gives no price."""

    carrier: str
    service: str
    reason: RefusalReason
    detail: str = ""
    retry: bool = False


class CarrierQuoter(Protocol):
    @property
    def carrier(self) -> str: ...

    def quote(
        self, parcel: Parcel, origin: Place, to: Place, day: date, *, roadside: bool = False
    ) -> tuple[Quote | Refusal, ...]:
        """One answer a service, in the carrier's own order; never raises for what the carrier does. `roadside`: the
        goods are on a van that stands at `origin`, and are collected from its driver."""
        ...


class Collection(Frozen):
    """Goods that a carrier is to collect from a van and deliver. The same key is the same collection."""

    key: str
    parcel: Parcel
    origin: Place
    to: Place
    day: date


class Booked(Frozen):
    outcome: Literal["booked"] = "booked"
    key: str
    ref: str
    """the carrier's own"""


class Declined(Frozen):
    """The carrier does not come; nothing was booked."""

    outcome: Literal["declined"] = "declined"
    key: str
    reason: RefusalReason
    retry: bool = False
    """it may later"""


class Unclear(Frozen):
    """It may have been booked. Only `find`, or a person, can tell."""

    outcome: Literal["unclear"] = "unclear"
    key: str


Outcome: TypeAlias = Booked | Declined | Unclear


class CarrierBooking(Protocol):
    @property
    def carrier(self) -> str: ...

    def book(self, wanted: Collection) -> Outcome:
        """Once a key."""
        ...

    def find(self, key: str) -> Booked | Unclear | None:
        """Was this booked? None: surely not."""
        ...
