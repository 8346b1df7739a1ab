"""What Twilio tells us: texts from customers and drivers, and what became of ours. Its signature is the sign-in; its
validator is imported here only.

A text is kept and answered after, as a line of the conversation that its sender has anyhow. The reply goes out as a
message of its own, through the outbox, so that it is judged, sent once and kept like any other; the answer to Twilio is
empty.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Body, Header, Query, Request, Response
from sqlalchemy import Connection, select

from core import clock, inbound, people, phones, principals
from core.errors import BadInput, NotSignedIn, TooLarge, Unavailable
from core.principals import Principal
from core.settings import settings
from core.store import db as store
from core.store.tables import driver
from tools import pictures
from tools.notify import delivery, twilio_sms

router = APIRouter(prefix="/webhooks/twilio", include_in_schema=False)
log = structlog.get_logger("twilio")

FORM = "application/x-www-form-urlencoded"
NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that does nothing"""
MAX_BYTES = 64_000
"""of a webhook; a text has 1,600 characters at most"""
WHATSAPP = "whatsapp:"

Signed = Annotated[bytes, Body(media_type=FORM)]
Signature = Annotated[str, Header()]


@router.post("/message")
def take_text(request: Request, body: Signed = b"", x_twilio_signature: Signature = "") -> Response:
    """Take one text or WhatsApp message. The same MessageSid again is the same text, and gets no second reply."""
    form = _form(request, body, x_twilio_signature)
    sid, address, said = form.get("MessageSid", ""), form.get("From", ""), form.get("Body", "").strip()
    if not sid:
        raise BadInput("There is no MessageSid.", "Point Twilio's webhook for messages here.", field="MessageSid")
    seen = _pictures(form)
    with store.transaction() as db:
        who = _sender(db, address)
        if who is None or not (said or seen):  # to answer strangers would cost money whenever anybody likes
            log.info("text.ignored", sid=sid, why="nobody we know" if who is None else "nothing in it")
        else:
            request.app.state.limits.take(who)
            channel = "whatsapp" if address.startswith(WHATSAPP) else "sms"
            inbound.take(db, sid, who, channel, said, seen, clock.now(db))
    return Response(NOTHING_TO_SAY, media_type="text/xml")


@router.post("/status")
def take_status(
    request: Request,
    effect: Annotated[str, Query(max_length=400)] = "",
    body: Signed = b"",
    x_twilio_signature: Signature = "",
) -> Response:
    """What became of a message of ours. Reports come in any order, and more than once."""
    form = _form(request, body, x_twilio_signature)
    sid, step, code = form.get("MessageSid", ""), form.get("MessageStatus", ""), form.get("ErrorCode", "")
    why = twilio_sms.reason(int(code) if code.isdecimal() else None)
    with store.transaction() as db:
        delivery.reported(db, effect, sid, step, why, clock.now(db))
    return Response(status_code=204)


def _form(request: Request, body: bytes, signature: str) -> dict[str, str]:
    """The form, once its signature holds for the address that people reach us at and the account is ours. Raises
    NotSignedIn, or Unavailable where nobody has said what it would be signed with."""
    from twilio.request_validator import RequestValidator

    own = settings()
    if not (own.twilio_auth_token and own.public_url):
        raise Unavailable("Nothing is taken from Twilio here.", "Set TWILIO_AUTH_TOKEN and DOORSTEP_PUBLIC_URL.")
    if len(body) > MAX_BYTES:
        raise TooLarge(f"This has {len(body)} bytes.", f"{MAX_BYTES} at most.")
    try:
        form = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise BadInput("The form can't be read.", f"Send {FORM} in UTF-8.", field="body") from None
    if not RequestValidator(own.twilio_auth_token).validate(_address(request), _Form(form), signature):
        raise NotSignedIn(
            "This is not signed by Twilio for this address.", "Compare TWILIO_AUTH_TOKEN and DOORSTEP_PUBLIC_URL."
        )
    said = {name: values[-1] for name, values in form.items()}
    if own.twilio_account_sid and said.get("AccountSid") != own.twilio_account_sid:
        raise NotSignedIn("This is about another Twilio account.", "Compare TWILIO_ACCOUNT_SID.")
    return said


def _address(request: Request) -> str:
    """What Twilio has called and signed: the public address, whatever a proxy makes of it on the way here."""
    path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace").split("?")[0]
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{settings().url}{path}{query}"


class _Form(dict[str, list[str]]):
    """As the validator reads forms."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def _pictures(form: dict[str, str]) -> list[str]:
    count = form.get("NumMedia", "0")
    wanted = range(min(int(count), pictures.MOST) if count.isdecimal() else 0)
    return [form[name] for at in wanted if (name := f"MediaUrl{at}") in form]


def _sender(db: Connection, address: str) -> Principal | None:
    """Whose number it is: a driver's, else a customer's; None: nobody's."""
    try:
        number = phones.normalise(address.removeprefix(WHATSAPP))
    except BadInput:  # a short code, or a name
        return None
    person_id = people.of_phone(db, number)
    if person_id is None:
        return None
    drives = db.execute(select(driver.c.id).where(driver.c.person_id == person_id)).scalars().first()
    return principals.ensure(db, "driver", drives) if drives else principals.ensure(db, "customer", person_id)
