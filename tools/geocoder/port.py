"""The port for placing addresses. An address that can't be placed is a value, so that the others still count."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from core.orders import Address

Precision: TypeAlias = Literal["exact", "interpolated", "postal_code"]
"""the house itself; between two known numbers of its street; the middle of its postal code"""
MissReason: TypeAlias = Literal["not_found", "ambiguous", "unavailable", "no_geocoder"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Found(Frozen):
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    precision: Precision
    within_m: int = Field(ge=0)
    """how far the door may be from there, as far as the source can tell"""
    source: str


class Missed(Frozen):
    """Why an address has no place. Says nothing of the address itself."""

    reason: MissReason


class Geocoder(Protocol):
    @property
    def name(self) -> str: ...

    def find(self, address: Address) -> Found | Missed:
        """Where an address is. Never raises for what a provider does. An address of one line has it in `line1`."""
        ...


class Nobody:
    """No geocoder is set up."""

    name = "none"

    def find(self, address: Address) -> Found | Missed:
        return Missed(reason="no_geocoder")
