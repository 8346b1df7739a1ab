"""The port for carriers' prices. A carrier that fails or declines is a value, so that the others still count."""

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

    def quote(self, parcel: Parcel, origin: Place, to: Place, day: date) -> tuple[Quote | Refusal, ...]:
        """One answer a service, in the carrier's own order; never raises for what the carrier does."""
        ...
