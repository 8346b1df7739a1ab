"""Texts that customers and drivers send to our number, as Twilio hands them over. Twilio's signature is the sign-in;
its validator is imported here only.

A text becomes a line of the conversation that its sender has anyhow. The reply goes out as a message of its own,
through the outbox, so that it is judged, sent once and kept like any other; the answer to Twilio is empty.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Body, Header, Request, Response
from sqlalchemy import select

from agent import conversation
from agent.understanding.understand import understand
from core import clock, people, phones, principals
from core.errors import BadInput, NotSignedIn, TooLarge, Unavailable
from core.principals import Principal
from core.settings import settings
from core.store import db as store
from core.store.tables import driver
from tools import driver_talk

router = APIRouter(prefix="/api/inbound", include_in_schema=False)
log = structlog.get_logger("inbound")

FORM = "application/x-www-form-urlencoded"
NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that does nothing"""
MAX_BYTES = 64_000
"""of a webhook; a text has 1,600 characters at most"""


@router.post("/sms")
def take_sms(
    request: Request,
    body: Annotated[bytes, Body(media_type=FORM)] = b"",
    x_twilio_signature: Annotated[str, Header()] = "",
) -> Response:
    """Take one text. The same MessageSid again is the same text, and gets no second reply."""
    if len(body) > MAX_BYTES:
        raise TooLarge(f"This has {len(body)} bytes.", f"{MAX_BYTES} at most.")
    form = {name: values[-1] for name, values in _signed(request, body, x_twilio_signature).items()}
    sid, text = form.get("MessageSid", ""), form.get("Body", "").strip()
    if not sid:
        raise BadInput("There is no MessageSid.", "Point Twilio's webhook for messages here.", field="MessageSid")
    who = _sender(form.get("From", ""))
    if who is None or not text:  # a stranger gets no answer: it would cost us money whenever anybody likes
        log.info("sms.ignored", sid=sid, why="nobody we know" if who is None else "no text")
    else:
        request.app.state.limits.take(who)
        _say(who, text, sid)
    return Response(NOTHING_TO_SAY, media_type="text/xml")


def _signed(request: Request, body: bytes, signature: str) -> dict[str, list[str]]:
    """The form, once its signature holds for the address that people reach us at. Raises NotSignedIn, or Unavailable
    where nobody has said what it would be signed with."""
    from twilio.request_validator import RequestValidator

    own = settings()
    if not (own.twilio_auth_token and own.public_url):
        raise Unavailable("No texts are taken in here.", "Set TWILIO_AUTH_TOKEN and DOORSTEP_PUBLIC_URL.")
    try:
        form = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise BadInput("The form can't be read.", f"Send {FORM} in UTF-8.", field="body") from None
    path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace").split("?")[0]
    query = f"?{request.url.query}" if request.url.query else ""
    if not RequestValidator(own.twilio_auth_token).validate(f"{own.url}{path}{query}", _Form(form), signature):
        raise NotSignedIn(
            "This is not signed by Twilio for this address.", "Compare TWILIO_AUTH_TOKEN and DOORSTEP_PUBLIC_URL."
        )
    return form


class _Form(dict[str, list[str]]):
    """As the validator reads forms."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def _sender(address: str) -> Principal | None:
    """Whose number it is: a driver's, else a customer's; None: nobody's."""
    try:
        number = phones.normalise(address.removeprefix("whatsapp:"))
    except BadInput:  # a short code, or a name
        return None
    with store.transaction() as db:
        person_id = people.of_phone(db, number)
        if person_id is None:
            return None
        drives = db.execute(select(driver.c.id).where(driver.c.person_id == person_id)).scalars().first()
        return principals.ensure(db, "driver", drives) if drives else principals.ensure(db, "customer", person_id)


def _say(who: Principal, text: str, sid: str) -> None:
    if who.role == "customer":
        conversation.turn(who, text, key=sid, channel="sms")
        return
    danger = understand(text).intent == "safety"
    with store.transaction() as db:
        driver_talk.said(db, who, text, sid, clock.now(db), danger=danger)
