"""Is it up, is it ready, how does it do."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Connection, func, select, text

from api import metrics
from core.errors import DoorstepError
from core.store import db as store
from core.store.tables import case, decision, effect, order
from tools.optimizer import resident

router = APIRouter()


@router.get("/healthz", tags=["health"])
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", tags=["health"], responses={503: {"description": "Something is down; the answer says what."}})
def readyz() -> JSONResponse:
    """All that a day needs answers: database, engine, a worker."""
    parts = {"database": _database, "engine": _engine, "worker": _worker}
    found = {}
    for name, check in parts.items():
        try:
            found[name] = check()
        except (DoorstepError, OSError) as error:
            found[name] = f"down: {type(error).__name__}"
    ready = all(state == "ok" for state in found.values())
    return JSONResponse({"ready": ready, **found}, 200 if ready else 503)


def _database() -> str:
    with store.snapshot() as db:
        db.execute(select(1))
    return "ok"


def _engine() -> str:
    resident().client.ping()
    return "ok"


def _worker() -> str:
    query = text("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '10 seconds'")
    with store.snapshot() as db:
        return "ok" if db.execute(query).scalar_one() else "down: no heartbeat"


@router.get("/metrics", tags=["health"], response_class=PlainTextResponse)
def get_metrics() -> PlainTextResponse:
    """Prometheus text. Counts only, nothing about anybody."""
    own = CollectorRegistry()
    with store.snapshot() as db:
        for name, labels, rows in _gauges(db):
            gauge = Gauge(f"doorstep_{name}", f"Rows of {name} now.", labels, registry=own)
            for *values, count in rows:
                (gauge.labels(*values) if values else gauge).set(count)
    return PlainTextResponse(
        generate_latest(own) + generate_latest(metrics.REGISTRY), media_type="text/plain; version=0.0.4"
    )


def _gauges(db: Connection) -> list[tuple[str, list[str], list[tuple[Any, ...]]]]:
    jobs = db.execute(text("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1")).all()
    return [
        (
            "orders",
            ["status"],
            [tuple(r) for r in db.execute(select(order.c.status, func.count()).group_by(order.c.status))],
        ),
        (
            "effects",
            ["status"],
            [tuple(r) for r in db.execute(select(effect.c.status, func.count()).group_by(effect.c.status))],
        ),
        (
            "cases",
            ["kind", "status"],
            [
                tuple(r)
                for r in db.execute(
                    select(case.c.kind, case.c.status, func.count()).group_by(case.c.kind, case.c.status)
                )
            ],
        ),
        ("jobs", ["status"], [tuple(r) for r in jobs]),
        ("decisions", [], [(db.execute(select(func.count()).select_from(decision)).scalar_one(),)]),
    ]
