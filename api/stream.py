"""`/api/stream`: what changes, as server-sent events. One LISTEN a process, one bounded queue a watcher.

A watcher that can't keep up is dropped; its browser connects again and reads the present state first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.auth import Staff
from core.queue import conninfo
from core.stream import CHANNEL

log = structlog.get_logger("stream")
router = APIRouter(prefix="/api", tags=["stream"])
QUEUE = 1000
HEARTBEAT_S = 15.0


class Hub:
    """Hands notifications of the database on to all watchers."""

    def __init__(self, url: str) -> None:
        self.url = conninfo(url)
        self.watchers: set[asyncio.Queue[str | None]] = set()

    async def listen(self) -> None:
        """Runs for as long as the process; connects again when the database comes back."""
        while True:
            with suppress(psycopg.Error, OSError):
                async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as link:
                    await link.execute(f"LISTEN {CHANNEL}")
                    async for note in link.notifies():
                        self.hand_on(note.payload)
            await asyncio.sleep(0.5)

    def hand_on(self, payload: str) -> None:
        for queue in list(self.watchers):
            try:
                queue.put_nowait(payload)
            except asyncio.QueueFull:
                self.watchers.discard(queue)
                log.warning("watcher.dropped")

    async def watch(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)
        self.watchers.add(queue)
        try:
            yield ": hello\n\n"
            while queue in self.watchers:
                try:
                    payload = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if payload is None:
                    return
                note = json.loads(payload)
                yield f"event: {note['kind']}\ndata: {json.dumps(note['data'])}\n\n"
        finally:
            self.watchers.discard(queue)

    def close(self) -> None:
        for queue in list(self.watchers):
            self.watchers.discard(queue)
            with suppress(asyncio.QueueFull):
                queue.put_nowait(None)


@router.get("/stream", response_class=StreamingResponse)
async def stream(who: Staff, request: Request) -> StreamingResponse:
    """Deltas: clock, van, case, order, plan, message, run, person."""
    hub: Hub = request.app.state.hub
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(hub.watch(), media_type="text/event-stream", headers=headers)
