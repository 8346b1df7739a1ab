"""The world's line to the API: what an integrator, a driver's phone or a customer's chat would use, and nothing more.

The calls themselves are `evals.wire`, written from the OpenAPI; here is how they are sent, and what we call them.

A call that meets a dead or restarting server is tried again, with backoff, for `patience_s`: every write carries its
own key (event keys, import refs, the clock's `to`), so trying again never does a thing twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ValidationError

from core.errors import Unavailable
from evals import wire
from evals.wire import Json

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


class Checked(wire.Calls):
    """An answer that breaks the contract is an error that names its path."""

    def _call(
        self, kind: Any, method: str, path: str, query: Mapping[str, Any], body: BaseModel | bytes = b"",
        media: str = "application/json",
    ) -> Any:  # fmt: skip
        try:
            return super()._call(kind, method, path, query, body, media)
        except ValidationError as error:
            said = str(error).replace("\n", " ")[:400]
            raise ApiError(200, "UnexpectedAnswer", f"{path} answered {said}") from None


class DoorstepClient:
    """One principal's view of the API. `acting(token)` is another principal on the same connections; `api` has every
    call there is."""

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
        self._become(Line(http, patience_s, sleep, wall), token)

    def _become(self, line: Line, token: str) -> None:
        self._line, self._token = line, token
        self.api = Checked(self._send)

    def _send(self, method: str, path: str, query: Mapping[str, str], body: bytes, kind: str) -> bytes:
        headers = {"authorization": f"Bearer {self._token}"} | ({"content-type": kind} if body else {})
        http = self._line.http
        return self._line.send(
            http.build_request(method, path, params=query or None, content=body or None, headers=headers)
        ).content

    def acting(self, token: str) -> DoorstepClient:
        other = object.__new__(DoorstepClient)
        other._become(self._line, token)
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
        return self.api.get_clock()

    def advance(self, to: datetime, speed: float | None = None) -> wire.Clock:
        return self.api.set_clock(wire.To(to=to, speed=speed))

    def pause(self, paused: bool) -> None:
        self.api.pause(wire.Pause(paused=paused))

    def token(self, role: str, subject: str) -> str:
        return self.api.make_token(wire.NewToken(role=role, subject=subject)).token

    # -- the day's work

    def put_fleet(self, fleet: Mapping[str, Json]) -> wire.FleetTaken:
        return self.api.put_fleet(json.dumps(fleet).encode())

    def import_orders(self, depot: str, day: date, body: bytes | str, form: str = "json") -> wire.Imported:
        content = body.encode() if isinstance(body, str) else body
        return self.api.import_orders(day, content, depot=depot, format_=form)

    def put_matrix(self, depot: str, matrix: Mapping[str, Json]) -> None:
        self.api.put_matrix(depot, wire.OwnMatrix.model_validate(matrix))

    def start_plan(
        self, depot: str, day: date, iterations: int | None = None, seed: int | None = None, key: str | None = None
    ) -> str:
        said = {"iterations": iterations, "seed": seed, "key": key}
        asked = {"depot": depot, "day": day} | {name: value for name, value in said.items() if value is not None}
        return self.api.ask_plan(wire.Ask.model_validate(asked)).run

    def plan_run(self, run: str) -> wire.PlanRun:
        return self.api.get_run(run)

    def publish(self, depot: str, day: date, version: int) -> wire.Published:
        return self.api.publish(depot, day, version)

    def plan(self, depot: str, day: date, version: int | None = None) -> wire.Plan:
        return self.api.get_plan(depot, day, version=version)

    def orders(self, depot: str, day: date) -> Sequence[wire.OrderRow]:
        return self.api.list_orders(depot, day).orders

    # -- on the road

    def driver_route(self) -> wire.DriverRoute:
        return self.api.driver_route()

    def send_events(self, events: Sequence[Mapping[str, Json]]) -> list[wire.EventResult]:
        results: list[wire.EventResult] = []
        for at in range(0, len(events), BATCH_EVENTS):
            taps = tuple(wire.Tap.model_validate(each) for each in events[at : at + BATCH_EVENTS])
            results += self.api.take_events(wire.Taps(events=taps)).results
        return results

    def send_positions(self, positions: Sequence[Mapping[str, Json]]) -> int:
        """How many were taken, sent in batches."""
        taken = 0
        for at in range(0, len(positions), BATCH_POSITIONS):
            batch = tuple(wire.Position.model_validate(each) for each in positions[at : at + BATCH_POSITIONS])
            taken += self.api.take_positions(wire.Batch(positions=batch)).accepted
        return taken

    # -- people

    def chat(self, text: str, key: str | None = None) -> wire.Turn:
        """Say something; with a key, trying again says it once."""
        return self.api.chat(wire.Said(text=text, key=key))

    def cases(
        self, status: Literal["open", "folded", "waiting", "escalated", "closed"] | None = None,
        depot: str | None = None, day: date | None = None,
    ) -> Sequence[wire.Case]:  # fmt: skip
        return self.api.list_cases(status=status, depot=depot, day=day).cases

    def approve(self, case: str, proposal: str) -> None:
        self.api.approve(case, wire.Yes(proposal=proposal))

    def reject(self, case: str, proposal: str, reason: str) -> None:
        self.api.reject(case, wire.No(proposal=proposal, reason=reason))

    def edit(self, case: str, proposal: str, option: str) -> str:
        """Take another option: the proposal that can be approved then."""
        return self.api.edit(case, wire.Other(proposal=proposal, option=option)).proposal

    def settle(self, case: str, note: str, *, called: bool = False) -> None:
        """Close an escalated case as the person who worked it, and who has called the customers or not."""
        self.api.close(case, wire.Note(note=note, called=called))

    def messages(self, person: str) -> Sequence[wire.Message]:
        """What was said to and by a customer, newest first."""
        return self.api.list_messages(person=person).messages

    def report_incident(self, *, kind: str, depot: str, lat: float, lon: float, radius_m: int, until: datetime) -> None:
        """Trouble on the roads around a place that a depot's vans drive through; the same again changes nothing."""
        said = {"kind": kind, "depot": depot, "lat": lat, "lon": lon, "radius_m": radius_m, "until": until}
        self.api.declare(wire.NewIncident.model_validate(said))

    def report(self, day: date) -> wire.DayReport:
        return self.api.report(day)
