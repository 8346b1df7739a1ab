"""A Twilio of our own on loopback: Messages.json by the vendor's specification (twilio_messages.json is cut from it).

It checks each request against the specification, keeps what it accepted, and misbehaves when a test says so.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema  # type: ignore[import-untyped]

from tests.loopback import LoopbackHandler, LoopbackServer

SPEC: dict[str, Any] = json.loads((Path(__file__).parent / "twilio_messages.json").read_text("utf-8"))
ACCOUNT = "AC" + "a" * 32
TOKEN = "not-a-secret"
FROM = "+15555550100"
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TwilioServer(LoopbackServer):
    """What it will do next is data: `answers` is used up one a request, then it works."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.records: list[dict[str, Any]] = []
        self.answers: list[tuple[str, int, int]] = []
        self.requests: list[str] = []
        self.violations: list[str] = []
        self.callbacks: list[str] = []
        self.page_size = 2

    def will(self, how: str, status: int = 0, code: int = 0) -> None:
        """`refuse` (status, code) | `hang` (before accepting) | `accept_then_hang` | `accept_then` (status) |
        `drop` (accepts, then closes) | `garbage` (accepts, answers no JSON)."""
        self.answers.append((how, status, code))

    def add(
        self, to: str, body: str, *, at: datetime = NOW, status: str = "queued", direction: str = "outbound-api"
    ) -> str:
        sid = f"SM{len(self.records):032x}"
        stamp = format_datetime(at)
        sent = None if status == "queued" else stamp
        record = SPEC["example"] | {"sid": sid, "to": to, "body": body, "status": status, "direction": direction}
        record |= {
            "account_sid": ACCOUNT,
            "from": FROM,
            "date_created": stamp,
            "date_updated": stamp,
            "date_sent": sent,
        }
        jsonschema.validate(record, SPEC["message"])
        self.records.insert(0, record)
        return sid

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """Newest first, a few a page, as the specification's paging has it."""
        unknown = set(query) - set(SPEC["list_parameters"])
        if unknown:
            self.violations.append(f"list parameters {unknown}")
        at = int(query.get("Page", "0"))
        found = [record for record in self.records if query.get("To") in (None, record["to"])]
        here = found[at * self.page_size : (at + 1) * self.page_size]
        more = len(found) > (at + 1) * self.page_size
        to = query.get("To", "").replace("+", "%2B")
        page = dict.fromkeys(SPEC["page_properties"])
        return page | {
            "messages": here,
            "page": at,
            "page_size": self.page_size,
            "next_page_uri": f"{PATH}?To={to}&Page={at + 1}" if more else None,
        }


class _Handler(LoopbackHandler):
    server: TwilioServer

    def asked(self) -> None:
        self._serve()

    def sent(self) -> None:
        self._serve()

    def _serve(self) -> None:
        server = self.server
        parts = urlsplit(self.path)
        body = self.body().decode()
        server.requests.append(f"{self.command} {parts.path}")
        if not self._known(parts.path):
            return
        how, status, code = server.answers.pop(0) if server.answers else ("work", 0, 0)
        if how == "refuse":
            self.say(status, {"code": code, "message": "refused for +15555550123", "status": status})
        elif how == "hang":
            self.server.released.wait(5)
        elif self.command == "GET":
            self.say(200, server.page(dict(parse_qsl(parts.query, keep_blank_values=True))))
        else:
            self._accept(body, how, status)

    def _known(self, path: str) -> bool:
        wanted = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self.say(401, {"code": 20003, "message": "Authenticate", "status": 401})
        elif path != PATH:
            self.say(404, {"code": 20404, "message": "Not found", "status": 404})
        else:
            return True
        return False

    def _accept(self, body: str, how: str, status: int) -> None:
        form = dict(parse_qsl(body, keep_blank_values=True))
        try:
            jsonschema.validate(form, SPEC["create"])
        except jsonschema.ValidationError as error:
            self.server.violations.append(error.message)
        if self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            self.server.violations.append(f"content type {self.headers.get('Content-Type')}")
        self.server.add(form["To"], form["Body"])
        self.server.callbacks += [form["StatusCallback"]] if "StatusCallback" in form else []
        if how == "accept_then_hang":
            self.server.released.wait(5)
        elif how == "drop":
            self.connection.close()
        elif how == "accept_then":
            self.say(status, {"message": "oops"})
        elif how == "garbage":
            self.say(201, b"<html>201</html>")
        else:
            self.say(201, self.server.records[0])
