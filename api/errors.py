"""Errors as problem documents (RFC 9457). What we raise on purpose says what happened and what to do; anything else is
a 500 that says nothing but its id, and is logged under that id."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from core.errors import BadInput, Conflict, DoorstepError, TooMany, Unavailable

log = structlog.get_logger("api")
PROBLEM = "application/problem+json"

_TEXTS = ("type", "title", "detail", "fix", "field")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in _TEXTS} | {"status": {"type": "integer"}},
    "required": [*_TEXTS, "status"],
    "additionalProperties": False,
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {PROBLEM: {"schema": SCHEMA}}}
    for status, meaning in (("4XX", "What is wrong, and what to do."), (503, "Something is down for now: try again."))
}
"""what every route may answer"""


def problem(error: DoorstepError) -> JSONResponse:
    wait_s = error.wait_s if isinstance(error, TooMany) else 1
    headers = {"Retry-After": str(wait_s)} if error.status in (429, 503) else {}
    return _answer(error.as_problem(), error.status, headers)


def _answer(content: Mapping[str, str | int], status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    said = {name: printable(value) if isinstance(value, str) else value for name, value in content.items()}
    return JSONResponse(said, status, headers, media_type=PROBLEM)


def printable(text: str) -> str:
    """What somebody sent, as UTF-8 can say it: halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace").decode()


def install(app: FastAPI) -> None:
    app.add_exception_handler(DoorstepError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DataError, _data)
    app.add_exception_handler(IntegrityError, _integrity)
    app.add_exception_handler(OperationalError, _down)
    app.add_exception_handler(PoolTimeout, _down)
    app.add_exception_handler(Exception, _bug)


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DoorstepError)
    return problem(error)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return problem(BadInput(str(first["msg"]), "Correct this field and send again.", field=field or "body"))


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    what: dict[str, str | int] = {
        "type": "about:blank",
        "title": str(error.detail),
        "status": error.status_code,
        "detail": str(error.detail),
    }
    return _answer(what | {"fix": "", "field": ""}, error.status_code, error.headers)


def _data(request: Request, error: Exception) -> JSONResponse:
    return problem(
        BadInput("A value does not fit: it is too large, or holds a NUL character.", "Correct it and send again.")
    )


def _integrity(request: Request, error: Exception) -> JSONResponse:
    return problem(Conflict("Somebody else wrote the same record at this moment.", "Send it again."))


def _down(request: Request, error: Exception) -> JSONResponse:
    return problem(Unavailable("The database did not answer.", "Try again in a few seconds."))


def _bug(request: Request, error: Exception) -> JSONResponse:
    made = uuid.uuid4().hex[:12]
    log.exception("bug", id=made, path=request.url.path)
    return problem(DoorstepError("Something went wrong on our side.", f"It is logged as {made}."))
