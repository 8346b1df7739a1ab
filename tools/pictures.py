"""Pictures that customers send with a text: fetched from the provider that has them, kept as files of the order that
they are about, and shown in its claim when there is one.

Only addresses of our own account at the provider are fetched: an address in a message is not a reason to call anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import httpx
import structlog
from sqlalchemy import Connection, Row, select

from core import cases, orders, proofs
from core.errors import BadInput, TooLarge, Unavailable
from core.principals import Principal
from core.settings import settings
from core.store.tables import case
from tools.claims import KINDS

log = structlog.get_logger("pictures")

API = "https://api.twilio.com"
TIMEOUT_S = 10.0
MOST = 4
"""pictures of one text that are kept"""


class Picture(NamedTuple):
    content: bytes
    media_type: str


def fetch(url: str, api: str = API) -> Picture | None:
    """One picture; None when it is not ours to fetch, too large, or gone. Raises Unavailable when the provider does not
    answer, so that it is asked again."""
    own = settings()
    if not url.startswith(f"{api}/2010-04-01/Accounts/{own.twilio_account_sid}/") or not own.twilio_account_sid:
        log.warning("picture.foreign")
        return None
    login = (own.twilio_account_sid, own.twilio_auth_token)
    try:
        with (
            httpx.Client(auth=login, timeout=TIMEOUT_S, follow_redirects=True, trust_env=api == API) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code >= 500 or answer.status_code == 429:
                raise Unavailable(f"The provider answers {answer.status_code}.", "It is asked again.")
            if answer.status_code >= 400:
                log.warning("picture.gone", status=answer.status_code)
                return None
            content = _read(answer.iter_bytes())
            kind = answer.headers.get("content-type", "").split(";")[0].strip()
    except httpx.HTTPError as error:
        why = f"The provider did not hand over a picture ({type(error).__name__})."
        raise Unavailable(why, "It is asked again.") from None
    return Picture(content, kind) if content is not None else None


def _read(parts: Iterable[bytes]) -> bytes | None:
    content = b""
    for part in parts:
        content += part
        if len(content) > proofs.MAX_FILE:
            log.warning("picture.too_large")
            return None
    return content


def keep(db: Connection, who: Principal, pictures: Sequence[Picture], now: datetime) -> list[str]:
    """Keep what a customer has sent; returns the hashes. Of a claim that is open the first one becomes a fact."""
    claim = _claim(db, who.subject)
    row = orders.get(db, claim.facts["order"]) if claim is not None else _latest(db, who.subject)
    if row is None:
        return []
    kept = []
    for picture in pictures[:MOST]:
        try:
            kept.append(proofs.take_file(db, row.id, picture.content, picture.media_type, who.id, now))
        except (BadInput, TooLarge) as error:
            log.info("picture.refused", field=error.field)
    if claim is not None and kept and "photo" not in claim.facts:
        held = cases.get(db, claim.id, lock=True)
        cases.advance(db, held, held.status, facts=dict(held.facts) | {"photo": kept[0]})
    return kept


def _claim(db: Connection, person_id: str) -> Row[tuple[object, ...]] | None:
    mine = [row.id for row in orders.of_person(db, person_id)]
    query = select(case).where(case.c.kind.in_(KINDS), case.c.subject.in_(mine), case.c.closed_at.is_(None))
    return db.execute(query.order_by(case.c.opened_at.desc(), case.c.id).limit(1)).one_or_none()


def _latest(db: Connection, person_id: str) -> Row[tuple[object, ...]] | None:
    """What it is about when nobody has said so: the last order that was delivered, else the next one."""
    rows = orders.of_person(db, person_id)
    delivered = [row for row in rows if row.status == "delivered"]
    return delivered[-1] if delivered else rows[-1] if rows else None
