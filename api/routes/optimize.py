"""A routing problem in VROOM's format, solved while its sender waits: docs/optimize.md.

The web process reads no problem and solves none: each runs in a process of its own, niced like every long solve, and
ends when its sender hangs up.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api import errors
from api.auth import Integrator
from api.vroom import INTERNAL_ERROR
from core.errors import TooLarge, TooMany

router = APIRouter(prefix="/api", tags=["optimize"])

MOST_BYTES = 128 * 2**20
"""a problem of 5,000 places with its matrix"""
AT_ONCE = max(1, (os.cpu_count() or 1) - 1)
"""solves of this web process: a core is left for the day"""
PATIENCE_S = 30.0
"""beyond the search: to start, read and write"""
SAID = {"application/json": {"schema": {"type": "object"}}}
BODY = {"requestBody": {"required": True, "content": SAID}}
REFUSED: dict[int | str, dict[str, Any]] = {
    422: {
        "description": "VROOM's `code` and `error`, which begins with the field.",
        "content": {**SAID, errors.PROBLEM: {"schema": errors.SCHEMA}},
    },
    500: {"description": "The same, for what we did not foresee.", "content": SAID},
}


@router.post("/optimize", openapi_extra=BODY, responses=REFUSED, response_model=dict[str, Any])
async def optimize(
    who: Integrator,
    request: Request,
    t: Annotated[float, Query(ge=0.1, le=300)] = 5.0,
    seed: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    c: bool = False,
) -> JSONResponse:
    """Plan routes: VROOM's problem format in, its solution format out. `t`: seconds to search, from when the problem is
    read. `c`: choose times for the routes in `steps`. Hang up to cancel."""
    content = await _bounded(request)
    solving: set[int] = request.app.state.solving
    if len(solving) >= AT_ONCE:
        raise TooMany(f"{AT_ONCE} problems are being solved.", "Try again in a moment.", wait_s=round(t) + 1)
    place = id(request)
    solving.add(place)
    try:
        solution = await _solved(request, content, t, seed, c)
    finally:
        solving.discard(place)
    return JSONResponse(solution, {0: 200, INTERNAL_ERROR: 500}.get(solution["code"], 422))


async def _bounded(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge(f"The problem is over {MOST_BYTES // 2**20} MB.", "Send fewer places, or no matrix.")
        parts.append(part)
    return b"".join(parts)


async def _solved(request: Request, content: bytes, seconds: float, seed: int, times_only: bool) -> dict[str, Any]:
    words = ["-m", "api.vroom", "--seconds", str(seconds), "--seed", str(seed), *(["--times-only"] * times_only)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=pipe, stdout=pipe)
    answer = asyncio.create_task(process.communicate(content))
    hung_up = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait({answer, hung_up}, timeout=seconds + PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if answer.done() and process.returncode == 0:
            said: dict[str, Any] = json.loads(answer.result()[0])
            return said
        return {"code": INTERNAL_ERROR, "error": "The solve was ended before it had a plan. Try again."}
    finally:
        hung_up.cancel()
        if process.returncode is None:
            process.kill()
        with suppress(asyncio.CancelledError, BrokenPipeError, ConnectionResetError):
            await answer


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
