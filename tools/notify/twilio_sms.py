"""SMS and WhatsApp by Twilio's own SDK, which is imported here only.

Twilio has no idempotency keys. What it refuses (4xx) was not sent; what it did not answer, or answered with 5xx, may
have been, and is looked up by address, time and text.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from core.errors import Misconfigured
from tools.notify.port import Channel, Failed, FailReason, Outcome, OutMessage, Sent, Unknown

if TYPE_CHECKING:
    from twilio.rest import Client

ERRORS: dict[int, FailReason] = {
    20003: "misconfigured",  # authenticate
    20404: "misconfigured",  # no such account
    21211: "bad_address",  # invalid To
    21217: "bad_address",  # does not look like a phone number
    21408: "refused",  # no permission for that country
    21603: "misconfigured",  # From is missing
    21606: "misconfigured",  # From is not ours
    21610: "opted_out",  # the recipient replied STOP
    21612: "bad_address",  # From can't reach To
    21614: "bad_address",  # not a mobile number
    21617: "refused",  # text too long
    21659: "misconfigured",  # From is not a Twilio number
    30003: "unreachable",  # the handset is off
    30005: "bad_address",  # no such handset
    30006: "bad_address",  # a landline
    63016: "refused",  # WhatsApp: outside the 24-hour window, only templates
}
"""Twilio error code -> what it means for us. The rest of 4xx is `refused`."""

_NEVER_LEFT = {"NewConnectionError", "ConnectTimeoutError", "ConnectTimeout", "NameResolutionError"}
"""causes, by class name of the HTTP library below the SDK, after which no byte of the request had been sent"""
_SLACK = timedelta(minutes=2)  # their clock against ours
_LOOK_BACK = 500


class TwilioSender:
    """Sends by one account from one number (`+1...`), or from a messaging service (`MG...`); WhatsApp messages from a
    number of their own. `reports` is the address at which Twilio says what became of a message."""

    name = "twilio"
    settle_s = 60

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        from_: str,
        whatsapp_from: str = "",
        *,
        reports: str = "",
        api_url: str = "",
        timeout_s: float = 10.0,
    ) -> None:
        for setting, value in (("TWILIO_ACCOUNT_SID", account_sid), ("TWILIO_AUTH_TOKEN", auth_token)):
            if not value:
                raise Misconfigured("is not set", "Set it, or use the console sender.", field=setting)
        if not from_:
            raise Misconfigured("is not set", "Set it to the number that messages come from.", field="TWILIO_FROM")
        self._from, self._whatsapp_from, self._reports = from_, whatsapp_from, reports
        self._client = _client(account_sid, auth_token, api_url, timeout_s)

    @property
    def channel(self) -> Channel:
        return "sms"

    def send(self, message: OutMessage) -> Outcome:
        from twilio.base.exceptions import TwilioException, TwilioRestException

        if message.channel == "whatsapp" and not self._whatsapp_from:
            return Failed(key=message.key, reason="misconfigured", detail="TWILIO_WHATSAPP_FROM is not set")
        try:
            sent = self._client.messages.create(to=_at(message.to, message), body=message.text, **self._how(message))
        except TwilioRestException as error:
            return _refused(message.key, error.status, error.code)
        except (TwilioException, ValueError) as error:
            detail = f"an answer that can't be read ({type(error).__name__})"
            return Unknown(key=message.key, reason="provider_error", detail=detail)
        except OSError as error:
            return _lost(message.key, error)
        if not sent.sid:
            return Unknown(key=message.key, reason="provider_error", detail="an answer without a sid")
        return Sent(key=message.key, provider_id=str(sent.sid))

    def find(
        self, message: OutMessage, since: datetime, claimed: frozenset[str] = frozenset()
    ) -> Sent | Unknown | None:
        from twilio.base.exceptions import TwilioException

        try:
            records = list(self._client.messages.stream(to=_at(message.to, message), page_size=100, limit=_LOOK_BACK))
        except (TwilioException, ValueError, OSError) as error:
            return Unknown(key=message.key, reason="lookup_failed", detail=type(error).__name__)
        after = since.astimezone(UTC) - _SLACK
        ours = [r for r in records if _is_it(r, message.text, after) and r.sid not in claimed]
        if ours:
            return Sent(key=message.key, provider_id=str(ours[-1].sid))  # newest first: the last is the first sent
        if len(records) == _LOOK_BACK and all(_when(record) >= after for record in records):
            return Unknown(key=message.key, reason="lookup_failed", detail=f"more than {_LOOK_BACK} messages to read")
        return None

    def _how(self, message: OutMessage) -> dict[str, str]:
        """Where it comes from, and where to say what became of it: by our key, which holds nothing personal."""
        own = self._whatsapp_from if message.channel == "whatsapp" else self._from
        service = own.startswith("MG")
        how = {"messaging_service_sid": own} if service else {"from_": _at(own, message)}
        return how | ({"status_callback": f"{self._reports}?effect={quote(message.key)}"} if self._reports else {})


def _at(number: str, message: OutMessage) -> str:
    return f"whatsapp:{number}" if message.channel == "whatsapp" else number


def reason(code: int | None) -> FailReason:
    """What an error code means for us."""
    return ERRORS.get(code or 0, "refused")


def _client(account_sid: str, auth_token: str, api_url: str, timeout_s: float) -> Client:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    quiet = logging.getLogger("doorstep.twilio")
    quiet.setLevel(logging.WARNING)  # the SDK writes phone numbers into the log at INFO
    http = TwilioHttpClient(timeout=timeout_s, logger=quiet)
    if urlsplit(api_url).hostname in {"127.0.0.1", "localhost", "::1"} and http.session is not None:
        http.session.trust_env = False  # HTTP_PROXY would catch loopback
    client = Client(account_sid, auth_token, http_client=http)
    if api_url:
        client.api.base_url = api_url.rstrip("/")
    return client


def _refused(key: str, status: int, code: int | None) -> Outcome:
    """Twilio's own words name the phone number, so only the code is kept."""
    detail = f"Twilio error {code or '?'} (HTTP {status})"
    if status == 429:
        return Failed(key=key, reason="rate_limited", detail=detail, retry=True)
    if status >= 500 or status < 400:
        return Unknown(key=key, reason="provider_error", detail=detail)
    fallback: FailReason = "misconfigured" if status in {401, 403, 404} else "refused"
    return Failed(key=key, reason=ERRORS.get(code or 0, fallback), detail=detail)


def _lost(key: str, error: OSError) -> Outcome:
    """No answer. Only when the connection was never made is it sure that nothing was sent."""
    names = {type(cause).__name__ for cause in _causes(error)}
    if names & _NEVER_LEFT:
        return Failed(key=key, reason="unreachable", detail="no connection to Twilio", retry=True)
    timed_out = any("timeout" in name.lower() for name in names)
    return Unknown(key=key, reason="timeout" if timed_out else "connection", detail="no answer from Twilio")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        reason = getattr(error, "reason", None)
        if isinstance(reason, BaseException):
            yield reason
        error = error.__cause__ or error.__context__


def _is_it(record: Any, text: str, after: datetime) -> bool:
    """A trial account puts a sentence of its own before the text."""
    body = str(record.body or "").strip()
    same = body == text.strip() or body.endswith(f" - {text.strip()}")
    return same and str(record.direction or "").startswith("outbound") and _when(record) >= after


def _when(record: Any) -> datetime:
    """When it was sent; what waits in their queue has no such time yet."""
    when = record.date_sent or record.date_created
    return when if isinstance(when, datetime) else datetime.max.replace(tzinfo=UTC)
