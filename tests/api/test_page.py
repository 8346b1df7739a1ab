"""The day's page in a real browser, served under its real policy, against canned answers of the API."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from api.app import PAGES, POLICY

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

NOW = "2026-03-10T14:42:00Z"
"""10:42 in New York"""
HOSTILE = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
Page = Any
"""playwright's, which is imported when it is there"""


def option(name: str, cost: int, **values: Any) -> dict[str, Any]:
    kind, _, vehicle = name.partition(":")
    made: dict[str, Any] = {
        "id": name, "kind": kind, "stop_id": "stp_1", "vehicle_id": vehicle or None, "routes": {}, "arrivals": {},
        "cost_cents": cost, "minutes_late": 22, "promises_broken": 0, "promises_retold": 0, "retold": [],
        "stops_moved": 0, "others_delayed_min": 0, "feasible": True, "broken": [],
    }  # fmt: skip
    return made | values


def order(number: int, status: str = "out") -> dict[str, Any]:
    return {
        "id": f"ord_{number}", "ref": f"ACME-{number}", "client": "acme", "person": f"per_{number}", "depot": "dep-a",
        "day": "2026-03-10", "status": status, "stop": f"stp_{number}", "vehicle": "van-01", "windows": [],
        "lat": 39.9 + number / 100, "lon": -75.9, "pieces": 1,
        "promise": {"lo": "2026-03-10T14:00:00Z", "hi": "2026-03-10T15:00:00Z"},
    }  # fmt: skip


def late_case() -> dict[str, Any]:
    options = [
        option("retell", 300, promises_retold=1), option("reassign:van-02", 950, stops_moved=1),
        option("resequence", 700, feasible=False, broken=["the van is full"]), option("wait", 1500, promises_broken=1),
    ]  # fmt: skip
    return {
        "id": "case_1", "kind": "predicted_late", "subject": "stp_1", "depot": "dep-a", "day": "2026-03-10",
        "status": "waiting", "version": 4, "opened_at": NOW, "closed_at": None, "options": options, "owner": "pri_1",
        "owner_name": "Ada",
        "facts": {"vehicle": "van-01", "due": "2026-03-10T15:00:00Z", "expected": "2026-03-10T15:22:00Z"},
        "verdict": {"verdict": "ask", "rule": "retell.late", "reason": "The promise is broken already."},
        "reason_code": "retell.late", "due_by": "2026-03-10T14:55:00Z",
        "proposal": {"digest": "d1", "option": "retell", "action": "retell", "cost_lo": 100, "cost_hi": 500},
    }  # fmt: skip


class Canned:
    """A server that answers like ours, and remembers what it was asked to do."""

    def __init__(self) -> None:
        self.cases = [late_case()]
        self.posted: list[tuple[str, Any]] = []
        self.refuse: dict[str, Any] | None = None
        self.signed_in = True
        self.streams: list[asyncio.Queue[str | None]] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    def answers(self) -> dict[str, Any]:
        depot = {"id": "dep-a", "name": "Canal Yard", "lat": 39.9, "lon": -75.9, "tz": "America/New_York"}
        vans = [{"id": f"van-0{n}", "depot_id": "dep-a", "name": f"Van {n}"} for n in (1, 2)]
        said = {"id": "msg_1", "at": NOW, "direction": "in", "channel": "sms", "template": None, "body": HOSTILE,
                "order": "ord_1", "person": "per_1", "case": None}  # fmt: skip
        done = {"id": "dec_1", "case": "case_0", "seq": 3, "verdict": "auto", "rule": "retell.in_time",
                "action": "retell", "approver": None, "cost": 200, "undone_by": None, "at": NOW}  # fmt: skip
        here = {"id": "van-01", "state": "driving", "stop": "stp_1", "lat": 39.92, "lon": -75.91, "at": NOW,
                "stops_left": 2, "late": ["stp_1"]}  # fmt: skip
        stops = [{"stop": f"stp_{n}", "orders": [f"ord_{n}"], "lat": 39.9 + n / 100, "lon": -75.9} for n in (1, 2)]
        plan = {"version": 1, "routes": [{"vehicle": "van-01", "stops": stops}], "unassigned": []}
        return {
            "clock": {"mode": "simulated", "now": NOW, "paused": False, "speed": 60.0},
            "fleet": {"currency": "EUR", "depots": [depot], "vehicles": vans}, "fleet/now": {"vans": [here]},
            "orders": {"orders": [order(1), order(2), order(3, "delivered")]},
            "plans/dep-a/2026-03-10": plan, "cases": {"cases": self.cases},
            "cases/case_0": late_case() | {"id": "case_0", "status": "closed"},
            "cases/case_1": self.cases[0] if self.cases else {}, "decisions": {"decisions": [done]},
            "messages": {"messages": [said]},
        }  # fmt: skip

    def app(self) -> FastAPI:
        app = FastAPI()
        app.mount("/static", StaticFiles(directory=PAGES))
        app.get("/")(lambda: FileResponse(PAGES / "today.html", headers={"Content-Security-Policy": POLICY}))
        app.get("/api/stream")(self.stream)
        app.get("/api/{path:path}")(self.get)
        app.post("/api/{path:path}")(self.post)
        return app

    def get(self, path: str) -> Response:
        return JSONResponse(self.answers()[path]) if self.signed_in else JSONResponse({"detail": "no"}, 401)

    async def post(self, path: str, request: Request) -> Response:
        raw = await request.body()
        self.posted.append((path, json.loads(raw) if raw else None))
        if self.refuse:
            return JSONResponse(self.refuse, self.refuse["status"])
        followed = ["a correction follows message msg_0123456789ab"]
        return JSONResponse(
            {
                "cases/case_1/edit": {"proposal": "d2"},
                "decisions/dec_1/undo": {"decision": "dec_2", "undone": [], "compensated": followed},
                "chat": {"reply": HOSTILE, "intent": "status", "case": None, "choices": [], "facts": []},
                "admin/clock/pause": {"mode": "simulated", "now": NOW, "paused": True, "speed": 60.0},
            }.get(path, {})
        )  # fmt: skip

    async def stream(self) -> StreamingResponse:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.streams.append(queue)

        async def deltas() -> AsyncIterator[str]:
            yield "retry: 100\n\n"
            while (delta := await queue.get()) is not None:
                yield delta

        return StreamingResponse(deltas(), media_type="text/event-stream")

    def tell(self, kind: str, data: Any) -> None:
        self._send(f"event: {kind}\ndata: {json.dumps(data)}\n\n")

    def hang_up(self) -> None:
        self._send(None)

    def _send(self, delta: str | None) -> None:
        if self.loop is not None:
            for queue in self.streams:
                self.loop.call_soon_threadsafe(queue.put_nowait, delta)


@pytest.fixture
def canned() -> Canned:
    return Canned()


@pytest.fixture
def url(canned: Canned) -> Iterator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(canned.app(), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        canned.hang_up()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("the browser tests need Chromium: no chromium on the PATH")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def trouble() -> list[str]:
    """Console errors, script errors, and requests to anywhere else."""
    return []


@pytest.fixture
def page(browser: Any, url: str, trouble: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(8000)
    opened.on("console", lambda line: trouble.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith((url, "data:")) else trouble.append(sent.url))
    opened.goto(url)
    opened.get_by_text("delivered 1").wait_for()
    yield opened
    context.close()


def until(true: Callable[[], bool]) -> None:
    """Wait for something that the server sees."""
    ends = time.monotonic() + 8
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


def card(page: Page) -> Any:
    return page.locator("article[data-case=case_1]")


def test_the_header_tells_mode_local_time_and_speed(page: Page, trouble: list[str]) -> None:
    assert page.locator("#when").text_content() == "simulated day, Tue 10 Mar, 10:42, x60"
    figures = page.locator("#counts").inner_text().split("\n")
    assert [line for line in figures if line] == [
        "vans out", "1", "stops left", "2", "late", "1", "delivered", "1 of 3", "not delivered", "0",
    ]  # fmt: skip
    assert trouble == []


def test_a_case_tells_what_is_asked_and_why(page: Page) -> None:
    text = card(page).inner_text()
    for words in (
        "Will be late", "ACME-1", "Promised 10:00–11:00, expected about 11:22, 22 min late", "by 10:55, in 13 min",
        "The promise is broken already.", "rule retell.late", "Give it to Van 2", "EUR\u00a09.50", "owner Ada",
        "not possible: the van is full",
    ):  # fmt: skip
        assert words in text


def test_approve_sends_the_digest_that_was_shown(page: Page, canned: Canned, trouble: list[str]) -> None:
    card(page).get_by_role("button", name="Approve: Tell a new time").click()
    until(lambda: bool(canned.posted))
    assert canned.posted == [("cases/case_1/approve", {"proposal": "d1"})]
    assert trouble == []


def test_another_option_is_made_a_proposal_and_that_one_is_approved(page: Page, canned: Canned) -> None:
    card(page).get_by_role("button", name="Choose other").click()
    assert card(page).get_by_label("Earlier on the same van").is_disabled()
    card(page).get_by_label("Give it to Van 2").check()
    card(page).get_by_role("button", name="Approve: Give it to Van 2").click()
    until(lambda: len(canned.posted) == 2)
    assert canned.posted == [
        ("cases/case_1/edit", {"proposal": "d1", "option": "reassign:van-02"}),
        ("cases/case_1/approve", {"proposal": "d2"}),
    ]


def test_a_rejection_needs_a_reason(page: Page, canned: Canned) -> None:
    card(page).get_by_role("button", name="Reject").click()
    card(page).get_by_role("button", name="Reject").click()
    card(page).get_by_text("Say why in a few words.").wait_for()
    assert canned.posted == []
    card(page).get_by_label("Why not?").fill("She is not at home.")
    card(page).get_by_role("button", name="Reject").click()
    until(lambda: bool(canned.posted))
    assert canned.posted == [("cases/case_1/reject", {"proposal": "d1", "reason": "She is not at home."})]


def test_who_comes_second_reads_who_was_first(page: Page, canned: Canned) -> None:
    canned.refuse = {"status": 409, "detail": "pri_2 has approved this already.", "fix": "Look at the decision."}
    canned.cases[0] |= {"status": "closed", "proposal": None}
    card(page).get_by_role("button", name="Approve").click()
    card(page).get_by_text("pri_2 has approved this already. Look at the decision.").wait_for()
    card(page).get_by_role("button", name="Dismiss").click()
    card(page).wait_for(state="detached")


def test_undo_tells_what_was_taken_back_and_what_was_made_up_for(page: Page, canned: Canned) -> None:
    page.get_by_role("button", name="Undo: Told a new time ACME-1").click()
    page.get_by_text("Made up for: a correction follows message msg 0123.").wait_for()
    assert canned.posted == [("decisions/dec_1/undo", None)]


def test_customers_text_is_shown_as_text(page: Page, trouble: list[str]) -> None:
    page.get_by_role("tab", name="Customers").click()
    assert page.locator("#messages p").text_content() == HOSTILE
    page.get_by_role("tab", name="Chat").click()
    page.get_by_label("Ask the assistant").fill(HOSTILE)
    page.get_by_role("button", name="Send").click()
    page.locator("#lines .us").nth(1).wait_for()
    assert page.locator("#lines .line p").all_text_contents()[1:] == [HOSTILE, HOSTILE]
    assert page.evaluate("window.owned") is None
    assert page.locator("main img").count() == 0
    assert trouble == []


def test_a_delta_is_shown_without_a_reload(page: Page, canned: Canned, trouble: list[str]) -> None:
    canned.tell("clock", {"mode": "simulated", "now": "2026-03-10T14:50:00Z", "paused": False, "speed": 60.0})
    canned.tell("order", {"orders": [{"id": "ord_2", "status": "delivered"}]})
    page.get_by_text("delivered 2").wait_for()
    assert "10:50" in page.locator("#when").inner_text()
    assert "in 5 min" in card(page).inner_text()
    assert trouble == []


def test_a_new_case_is_announced(page: Page, canned: Canned) -> None:
    canned.cases.append(late_case() | {"id": "case_2", "subject": "stp_2"})
    canned.tell("case", {"id": "case_2", "status": "waiting", "version": 4})
    page.locator("#live", has_text="New case: Will be late, ACME-2.").wait_for(state="attached")


def test_what_was_missed_while_the_stream_was_down_is_read_when_it_is_back(page: Page, canned: Canned) -> None:
    before = len(canned.streams)
    canned.cases.clear()
    canned.hang_up()
    page.get_by_text("Nothing waits for you.").wait_for()
    assert len(canned.streams) > before
    assert page.locator("#link").is_hidden()


def test_who_is_signed_out_is_told_so(page: Page, canned: Canned) -> None:
    canned.signed_in = False
    canned.tell("case", {"id": "case_1", "status": "closed", "version": 5})
    page.get_by_role("alertdialog", name="Sign in again").wait_for()


def test_a_telephone_shows_everything_without_scrolling_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert card(page).get_by_role("button", name="Reject").is_visible()


LUMINANCE = """
() => {
  const read = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const light = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  return Object.fromEntries(["ink", "muted", "accent", "warn", "ground", "panel", "raised", "accent-soft", "warn-soft",
    "accent-ground"].map((name) => [name, light(read(name))]));
}
"""
PAIRS = [
    ("ink", "ground"), ("ink", "panel"), ("ink", "accent-soft"), ("muted", "ground"), ("muted", "panel"),
    ("muted", "raised"), ("muted", "accent-soft"), ("accent", "panel"), ("accent", "accent-soft"), ("warn", "panel"),
    ("warn", "warn-soft"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_on_their_ground(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    light = cast(dict[str, float], page.evaluate(LUMINANCE)) | {"white": 1.0}
    for text, ground in [*PAIRS, ("white", "accent-ground")]:
        high, low = sorted((light[text], light[ground]), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"


def test_no_script_writes_markup() -> None:
    """Text nodes are the only way in; one innerHTML would undo that."""
    for script in Path(PAGES).glob("*.js"):
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser"):
            assert way not in script.read_text(), f"{script.name} uses {way}"
