"""The port for whatever carries a message to a person: send once, and look up later whether it went out.

Outcomes are values. `Unknown` means that the provider may or may not have it: it is reconciled by `find`, never sent
again blindly. What to send and when belongs to the outbox, not here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

Channel: TypeAlias = Literal["sms", "whatsapp", "email", "slack"]
FailReason: TypeAlias = Literal["opted_out", "bad_address", "rate_limited", "unreachable", "refused", "misconfigured"]
UnknownReason: TypeAlias = Literal["timeout", "connection", "provider_error", "lookup_failed"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutMessage(Frozen):
    """One message. `key` is the effect's own key: the same key is the same message, however often it is sent."""

    key: str
    to: str
    text: str
    channel: Channel = "sms"


class Sent(Frozen):
    """The provider has it."""

    outcome: Literal["sent"] = "sent"
    key: str
    provider_id: str
    duplicate: bool = False
    """the provider had it already and did not send again"""


class Failed(Frozen):
    """The provider does not have it and will not send it."""

    outcome: Literal["failed"] = "failed"
    key: str
    reason: FailReason
    detail: str = ""
    retry: bool = False
    """trying again later may work: nothing was sent"""


class Unknown(Frozen):
    """It may have been sent. Only `find` or a person can tell."""

    outcome: Literal["unknown"] = "unknown"
    key: str
    reason: UnknownReason
    detail: str = ""


Outcome: TypeAlias = Sent | Failed | Unknown


class Sender(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> Channel: ...

    @property
    def settle_s(self) -> int:
        """How long after a send a `None` from `find` can be believed: providers list with a delay."""
        ...

    def send(self, message: OutMessage) -> Outcome: ...

    def find(
        self, message: OutMessage, since: datetime, claimed: frozenset[str] = frozenset()
    ) -> Sent | Unknown | None:
        """Did this message go out since then? None: the provider has not got it. Unknown: it could not be asked.

        `since` is real time, a little before the first try, whatever clock the day runs on. `claimed` are provider
        ids that other messages have: a provider without keys is searched by address and text, and must not answer
        with somebody else's message.
        """
        ...


def mask(address: str) -> str:
    """A phone number or mail address as it may stand in a log or on a screen: `+1*******23`."""
    if "@" in address:
        name, _, domain = address.partition("@")
        return f"{name[:1]}***@{domain}"
    head, tail = (2, 2) if len(address) > 6 else (0, 1)
    return address[:head] + "*" * max(len(address) - head - tail, 1) + address[len(address) - tail :]
