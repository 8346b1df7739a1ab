"""The HTTP client of the API: what an integrator, a driver's phone or a customer's chat would use, and nothing more.

A call that meets a dead or restarting server is tried again, with backoff, for `patience_s`: every write carries its
own key (event keys, import refs, the clock's `to`), so trying again never does a thing twice.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

import httpx
from pydantic import ValidationError

from core.errors import Unavailable
from evals import wire
from evals.wire import Json

A = TypeVar("A", bound=wire.Answer)

RETRIED_STATUS = frozenset({502, 503, 504})
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
BATCH_POSITIONS = 100
"""positions a call; telematics providers send about as many"""
BATCH_EVENTS = 500


class ApiError(Exception):
    """The API refused a call, in the words of its problem document."""

    def __init__(self, status: int, title: str, detail: str, fix: str = "", field: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.fix = fix
        self.field = field

    def __str__(self) -> str:
        at = f"{self.field}: " if self.field else ""
        then = f" {self.fix}" if self.fix else ""
        return f"{self.status} {self.title}: {at}{self.detail}{then}"

    @classmethod
    def of(cls, response: httpx.Response) -> ApiError:
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            return cls(response.status_code, response.reason_phrase, response.text[:300])
        words = {name: str(problem.get(name) or "") for name in ("title", "detail", "fix", "field")}
        return cls(response.status_code, **words)


class Line:
    """The connections, and the patience with a server that is down for a moment."""

    def __init__(
        self, http: httpx.Client, patience_s: float, sleep: Callable[[float], None], wall: Callable[[], float]
    ) -> None:
        self.http = http
        self.patience_s = patience_s
        self.sleep = sleep
        self.wall = wall
        self.calls = 0

    def send(self, request: httpx.Request) -> httpx.Response:
        until = self.wall() + self.patience_s
        pause = FIRST_PAUSE_S
        while True:
            answer, trouble = self._once(request)
            if answer is not None and answer.is_success:
                return answer
            if answer is not None and answer.status_code not in RETRIED_STATUS:
                raise ApiError.of(answer)
            if self.wall() + pause > until:
                raise Unavailable(
                    f"The API did not answer {request.method} {request.url.path} for {self.patience_s:g} s;"
                    f" at last: {trouble}.",
                    "See that the server runs (GET /readyz) and that the address is right.",
                )
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _once(self, request: httpx.Request) -> tuple[httpx.Response | None, str]:
        self.calls += 1
        try:
            answer = self.http.send(request)
        except httpx.TransportError as error:
            return None, f"{type(error).__name__}: {error}"
        return answer, f"status {answer.status_code}"


class DoorstepClient:
    """One principal's view of the API. `acting(token)` is another principal on the same connections."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        patience_s: float = 60.0,
        timeout_s: float = 120.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        # trust_env=False: HTTP_PROXY would catch loopback calls
        http = httpx.Client(
            base_url=base_url, timeout=httpx.Timeout(timeout_s, connect=5.0), trust_env=False, transport=transport
        )
        self._line = Line(http, patience_s, sleep, wall)
        self._token = token

    def acting(self, token: str) -> DoorstepClient:
        other = copy.copy(self)
        other._token = token
        return other

    def close(self) -> None:
        self._line.http.close()

    @property
    def calls(self) -> int:
        """calls made on this line so far, by all its principals"""
        return self._line.calls

    def __enter__(self) -> DoorstepClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the clock and who is who

    def ready(self) -> bool:
        """Whether the server takes work now; asked once, without patience."""
        try:
            return self._line.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def clock(self) -> wire.Clock:
        return self._get(wire.Clock, "/api/clock")

    def advance(self, to: datetime, speed: float | None = None) -> wire.Advanced:
        body: dict[str, Json] = {"to": to.isoformat()}
        if speed is not None:
            body["speed"] = speed
        return self._post(wire.Advanced, "/api/admin/clock", body)

    def pause(self, paused: bool) -> None:
        self._call("POST", "/api/admin/clock/pause", json={"paused": paused})

    def token(self, role: str, subject: str) -> str:
        return self._post(wire.Token, "/api/admin/tokens", {"role": role, "subject": subject}).token

    # -- the day's work

    def put_fleet(self, fleet: Mapping[str, Json]) -> wire.FleetTaken:
        return self._read(wire.FleetTaken, self._call("PUT", "/api/fleet", json=fleet))

    def import_orders(self, depot: str, day: date, body: bytes | str, form: str = "json") -> wire.ImportTaken:
        asked = {"format": form, "depot": depot, "day": day.isoformat()}
        kind = "text/csv" if form == "csv" else "application/json"
        content = body.encode() if isinstance(body, str) else body
        answer = self._call("POST", "/api/imports", params=asked, content=content, headers={"content-type": kind})
        return self._read(wire.ImportTaken, answer)

    def put_matrix(self, depot: str, matrix: Mapping[str, Json]) -> None:
        self._call("PUT", f"/api/depots/{depot}/matrix", json=matrix)

    def start_plan(
        self, depot: str, day: date, iterations: int | None = None, seed: int | None = None, key: str | None = None
    ) -> str:
        body: dict[str, Json] = {"depot": depot, "day": day.isoformat()}
        body |= {} if key is None else {"key": key}
        body |= {} if iterations is None else {"iterations": iterations}
        body |= {} if seed is None else {"seed": seed}
        return str(self._call("POST", "/api/plans", json=body).json()["run"])

    def plan_run(self, run: str) -> wire.PlanRun:
        return self._get(wire.PlanRun, f"/api/plans/runs/{run}")

    def publish(self, depot: str, day: date, version: int) -> wire.Published:
        return self._post(wire.Published, f"/api/plans/{depot}/{day.isoformat()}/{version}/publish", {})

    def plan(self, depot: str, day: date, version: int | None = None) -> wire.Plan:
        asked = {} if version is None else {"version": str(version)}
        return self._get(wire.Plan, f"/api/plans/{depot}/{day.isoformat()}", asked)

    def orders(self, depot: str, day: date) -> list[wire.OrderRow]:
        answer = self._call("GET", "/api/orders", params={"depot": depot, "day": day.isoformat()})
        return self._read_all(wire.OrderRow, answer, "orders")

    def order(self, order: str) -> Json:
        """The story of one order, as the server tells it."""
        return self._call("GET", f"/api/orders/{order}").json()

    # -- on the road

    def driver_route(self) -> wire.DriverRoute:
        return self._get(wire.DriverRoute, "/api/driver/route")

    def send_events(self, events: Sequence[Mapping[str, Json]]) -> list[wire.EventResult]:
        results: list[wire.EventResult] = []
        for at in range(0, len(events), BATCH_EVENTS):
            answer = self._call("POST", "/api/events", json={"events": list(events[at : at + BATCH_EVENTS])})
            results += self._read_all(wire.EventResult, answer, "results")
        return results

    def send_positions(self, positions: Sequence[Mapping[str, Json]]) -> int:
        """How many were taken, sent in batches."""
        taken = 0
        for at in range(0, len(positions), BATCH_POSITIONS):
            body = {"positions": list(positions[at : at + BATCH_POSITIONS])}
            taken += self._post(wire.PositionsTaken, "/api/positions", body).accepted
        return taken

    # -- people

    def chat(self, text: str, key: str | None = None) -> wire.ChatReply:
        """Say something; with a key, trying again says it once."""
        body: dict[str, Json] = {"text": text} if key is None else {"text": text, "key": key}
        return self._post(wire.ChatReply, "/api/chat", body)

    def cases(self, status: str | None = None, depot: str | None = None, day: date | None = None) -> list[wire.Case]:
        asked = {"status": status, "depot": depot, "day": day.isoformat() if day else None}
        answer = self._call("GET", "/api/cases", params={k: v for k, v in asked.items() if v is not None})
        return self._read_all(wire.Case, answer, "cases")

    def approve(self, case: str, proposal: str) -> None:
        self._call("POST", f"/api/cases/{case}/approve", json={"proposal": proposal})

    def reject(self, case: str, proposal: str, reason: str) -> None:
        self._call("POST", f"/api/cases/{case}/reject", json={"proposal": proposal, "reason": reason})

    def edit(self, case: str, proposal: str, option: str) -> None:
        self._call("POST", f"/api/cases/{case}/edit", json={"proposal": proposal, "option": option})

    def settle(self, case: str, note: str, *, called: bool = False) -> None:
        """Close an escalated case as the person who worked it, and who has called the customers or not."""
        self._call("POST", f"/api/cases/{case}/close", json={"note": note, "called": called})

    def decisions(self, case: str) -> Json:
        return self._call("GET", "/api/decisions", params={"case": case}).json()

    def erase(self, person: str) -> None:
        """Forget a customer."""
        self._call("POST", f"/api/people/{person}/erase")

    def messages(self, *, order: str | None = None, person: str | None = None) -> Json:
        asked = {"order": order, "person": person}
        return self._call("GET", "/api/messages", params={k: v for k, v in asked.items() if v is not None}).json()

    def report_incident(self, *, kind: str, depot: str, lat: float, lon: float, radius_m: int, until: datetime) -> None:
        """Trouble on the roads around a place that a depot's vans drive through; the same again changes nothing."""
        place = {"lat": lat, "lon": lon, "radius_m": radius_m}
        self._call("POST", "/api/incidents", json={"kind": kind, "depot": depot, **place, "until": until.isoformat()})

    def report(self, day: date) -> wire.DayCounts:
        return self._get(wire.DayCounts, f"/api/report/{day.isoformat()}")

    # -- the line

    def _get(self, kind: type[A], path: str, params: Mapping[str, str] | None = None) -> A:
        return self._read(kind, self._call("GET", path, params=params))

    def _post(self, kind: type[A], path: str, body: Mapping[str, Json]) -> A:
        return self._read(kind, self._call("POST", path, json=body))

    def _read(self, kind: type[A], response: httpx.Response) -> A:
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise _unexpected(response, error) from None

    def _read_all(self, kind: type[A], response: httpx.Response, under: str) -> list[A]:
        try:
            return [kind.model_validate(row) for row in response.json()[under]]
        except (ValidationError, KeyError, TypeError) as error:
            raise _unexpected(response, error) from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Json] | None = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"authorization": f"Bearer {self._token}", **(headers or {})}
        http = self._line.http
        return self._line.send(
            http.build_request(method, path, json=json, content=content, params=params, headers=sent)
        )


def _unexpected(response: httpx.Response, error: Exception) -> ApiError:
    said = str(error).replace("\n", " ")[:400]
    return ApiError(response.status_code, "UnexpectedAnswer", f"{response.request.url.path} answered {said}")
