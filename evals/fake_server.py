"""The server under `fake_api`: what it holds, who may call what, and how it fails. What the calls do is told there."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from core import canonical
from evals.client import DoorstepClient

Row = dict[str, Any]
Trouble = Literal["refuses", "503", "dies_after"]
ADMIN = "admin-token"


class Refused(Exception):
    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "fix": "",
            "field": "",
        }
        self.status = status


@dataclass
class FakeApi:
    now: datetime
    mode: Literal["real", "simulated"] = "simulated"
    trouble: deque[Trouble] = field(default_factory=deque)
    paused: bool = False
    tokens: dict[str, tuple[str, str]] = field(default_factory=lambda: {ADMIN: ("admin", "world")})
    depots: dict[str, Row] = field(default_factory=dict)
    vehicles: dict[str, Row] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    matrices: dict[str, Row] = field(default_factory=dict)
    runs: dict[str, Row] = field(default_factory=dict)
    plans: dict[str, Row] = field(default_factory=dict)
    events: dict[str, Row] = field(default_factory=dict)
    positions: list[Row] = field(default_factory=list)
    departed: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    cases: dict[str, Row] = field(default_factory=dict)
    messages: list[Row] = field(default_factory=list)
    incidents: dict[str, Row] = field(default_factory=dict)
    asked_back: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=lambda: ["start"])

    def client(self, token: str = ADMIN, **rest: Any) -> DoorstepClient:
        """A client that talks to this server and never really sleeps."""
        rest.setdefault("sleep", lambda seconds: None)
        return DoorstepClient("http://fake", token, transport=httpx.MockTransport(self.handle), **rest)

    def handle(self, request: httpx.Request) -> httpx.Response:
        trouble = self.trouble.popleft() if self.trouble else None
        if trouble == "refuses":
            raise httpx.ConnectError("connection refused", request=request)
        if trouble == "503":
            return httpx.Response(503, json=Refused(503, "Unavailable", "starting").problem)
        try:
            answer = httpx.Response(200, json=self._route(request))
        except Refused as refused:
            answer = httpx.Response(refused.status, json=refused.problem)
        if trouble == "dies_after":
            raise httpx.ReadTimeout("no answer", request=request)
        return answer

    def _route(self, request: httpx.Request) -> Any:
        path = request.url.path.replace("/api/v1/", "/api/")
        if path == "/readyz":
            return {"ready": True}
        who = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if who is None:
            raise Refused(401, "NotSignedIn", "No such token.")
        for method, pattern, handler, roles in HANDLERS:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                if who[0] not in roles:
                    raise Refused(403, "NotAllowed", f"A {who[0]} may not do this.")
                self.calls[f"{method} {pattern}"] += 1
                body = json.loads(request.content) if request.content else {}
                return handler(self, Call(who[0], who[1], found.groups(), dict(request.url.params), body))
        raise Refused(404, "NotFound", f"{request.method} {path}")

    def write(self, *what: object) -> None:
        self.log.append(canonical.digest([self.log[-1], *map(str, what)]))


@dataclass(frozen=True)
class Call:
    role: str
    subject: str
    path: tuple[str, ...]
    params: dict[str, str]
    body: Any


Handler = Callable[[FakeApi, Call], Any]
HANDLERS: list[tuple[str, str, Handler, tuple[str, ...]]] = []


def on(method: str, pattern: str, *roles: str) -> Callable[[Handler], Handler]:
    def keep(handler: Handler) -> Handler:
        HANDLERS.append((method, pattern, handler, ("admin", *roles)))
        return handler

    return keep
