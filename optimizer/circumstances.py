"""What an answer that changes no route is priced from: counted facts, no words and nothing personal."""

from __future__ import annotations

from pydantic import Field

from optimizer.problem import Frozen


class Outage(Frozen):
    """A provider that does not answer."""

    waiting: int = Field(ge=0)
    """messages that can't be sent"""
    urgent: int = Field(ge=0)
    """those of them whose time passes before the outage is looked at again"""
    other: bool
    """there is another way to send them"""


class Claim(Frozen):
    """Somebody says that goods have not arrived, or are damaged."""

    proof: bool
    """there is a proof of the delivery"""
    metres: int | None = None
    """how far from the address it was taken; None: not known"""
    shown: bool = False
    """the customer has seen it already"""
    askable: bool = False
    """the driver is on the road today and was not asked yet"""
    said: str = ""
    """what the driver said, as a code (`core.findings`)"""
    aboard: bool = False
    """the goods are on the van still"""
