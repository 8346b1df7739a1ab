"""The web process: all routes, the stream, the pages. It never solves; whatever takes long runs elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors, metrics
from api.auth import COOKIE
from api.limits import Limits
from api.routes import (
    again,
    cases,
    driver,
    fleet,
    health,
    incidents,
    live,
    messages,
    optimize,
    plan_questions,
    plans,
    report,
    risks,
    slots,
    talk,
    twilio,
)
from api.stream import Hub
from api.stream import router as stream_router
from core.store.db import database_url

PAGES = Path(__file__).parent / "pages"
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"


def create_app(limits: Limits | None = None) -> FastAPI:
    app = FastAPI(
        title="Doorstep",
        version=version("doorstep"),
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        responses=errors.RESPONSES,
        generate_unique_id_function=lambda route: route.name,
        summary="A dispatch assistant for last-mile delivery that you can check.",
    )
    app.state.limits = limits or Limits()
    app.state.solving = set()
    errors.install(app)
    metrics.install(app)
    for router in (
        health.router,
        talk.router,
        twilio.router,
        fleet.router,
        again.router,
        risks.router,
        slots.router,
        plans.router,
        plan_questions.router,
        optimize.router,
        live.router,
        driver.router,
        cases.router,
        messages.router,
        incidents.router,
        report.router,
        stream_router,
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=PAGES), name="static")
    app.get("/", include_in_schema=False)(home)
    app.add_middleware(Headers)
    app.add_middleware(Versioned)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    hub = app.state.hub = Hub(database_url())
    listening = asyncio.create_task(hub.listen())
    yield
    hub.close()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


def home(request: Request) -> FileResponse:
    """The day's page for who is signed in, else how to sign in."""
    return FileResponse(
        PAGES / ("today.html" if COOKIE in request.cookies else "signin.html"), headers={"Cache-Control": "no-store"}
    )


class Versioned:
    """`/api/v1/...` is what integrators build on; `/api/...` is the same for what comes with this server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/v1/"):
            scope = {**scope, "path": scope["path"].replace("/api/v1/", "/api/", 1)}
        await self.app(scope, receive, send)


class Headers:
    """Puts the same headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, send_with_headers)
