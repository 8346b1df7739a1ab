"""A stop that will be late, and planners that choose what a test wants: for the tests of desk and approvals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, update

from agent.planner import Choose, Situation, Step
from core import cases, clock, orders, plans, principals
from core.principals import Principal
from core.settings import override
from core.store import db as store
from core.store.tables import case, decision, effect, order, promise
from tests.living import DAY, DEPOT, Day, Living, a_day, at, look, who
from tools import approvals, tracker

NOW = at("07:10")
ROUTES = {"van1": ["A1", "A2", "A3"], "van2": ["B1", "B2"]}
PLACES = {"B1": 1.5, "B2": 2.5}


@dataclass(frozen=True)
class Picks:
    """A planner that wants one option, whatever it costs."""

    option: str
    name: str = "picks"
    version: str = "1"

    def next_step(self, situation: Situation) -> Step:
        return Choose(option_id=self.option, why="the test wants it")


@dataclass(frozen=True)
class Says:
    """A planner that says the same whatever it is asked: what one does that a message has taken over."""

    step: Step
    name: str = "says"
    version: str = "1"

    def next_step(self, situation: Situation) -> Step:
        return self.step


def planned(living: Living) -> Day:
    """Two vans at the depot with three and two stops, nobody loaded yet."""
    day = a_day(living, ROUTES, PLACES)
    living.to(NOW)
    with store.transaction() as db:
        for role in ("dispatcher", "ops_lead"):
            who(db, role)
    return day


def late(day: Day, ref: str = "A1", minutes: int = 10, van: str = "van1", now: datetime = NOW) -> str:
    """Its customer was promised a time that ends so many minutes before the van can be there; returns the case."""
    look(now)
    with store.transaction() as db:
        expected = tracker.expected(db, day.stops[ref], van)
        assert expected is not None
        hi = clock.parse(expected["p50"]) - timedelta(minutes=minutes)
        mine = (promise.c.order_id == day.orders[ref]) & (promise.c.status == "open")
        db.execute(update(promise).where(mine).values(lo=hi - timedelta(hours=1), hi=hi))
    opened = look(now)
    assert len(opened) == 1
    return opened[0]


def policy_file(folder: Path, **changes: str) -> Path:
    """The shipped policy with some lines replaced, in force from now on: `policy_file(p, kill_switch="deny")`."""
    shipped = (Path(__file__).parents[2] / "tools" / "policies" / "default.yaml").read_text("utf-8")
    lines = [_changed(line, changes) for line in shipped.splitlines()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"policy-{'-'.join(f'{k}.{v}' for k, v in sorted(changes.items()))}.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    override(DOORSTEP_POLICY=str(path))
    return path


def _changed(line: str, changes: dict[str, str]) -> str:
    name = line.strip().split(":")[0]
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}{name}: {changes[name]}" if name in changes and not line.strip().startswith("-") else line


def staff(role: str = "dispatcher") -> Principal:
    with store.transaction() as db:
        return principals.ensure(db, role, f"a-{role}")


def case_row(case_id: str) -> Row[Any]:
    with store.transaction() as db:
        return cases.get(db, case_id)


def asked(case_id: str) -> Row[Any]:
    """The proposal that is up."""
    with store.transaction() as db:
        found = cases.open_proposal(db, case_id)
    assert found is not None
    return found


def approve(case_id: str, digest: str, by: Principal | None = None) -> bool:
    with store.transaction() as db:
        return approvals.approve(db, by or staff(), case_id, digest)


def undo(decision_id: str, now: datetime, by: Principal | None = None) -> dict[str, Any]:
    with store.transaction() as db:
        return approvals.undo(db, by or staff(), decision_id, now)


def decided(case_id: str) -> list[Row[Any]]:
    with store.transaction() as db:
        return list(db.execute(select(decision).where(decision.c.case_id == case_id).order_by(decision.c.seq)))


def routes() -> dict[str, tuple[str, ...]]:
    with store.transaction() as db:
        current = plans.current(db, DEPOT, DAY)
        assert current is not None
        return {v: r.stops for v, r in current.routes.items()}


def route_of(day: Day, *refs: str) -> tuple[str, ...]:
    return tuple(day.stops[ref] for ref in refs)


def status_of(order_id: str) -> str:
    with store.transaction() as db:
        return str(orders.get(db, order_id).status)


def world() -> dict[str, Any]:
    """All that an effect could change: routes, orders, promises, the ledger."""
    with store.transaction() as db:
        return {
            "orders": sorted((row.id, row.status, str(row.day)) for row in db.execute(select(order))),
            "promises": sorted((row.id, row.status) for row in db.execute(select(promise))),
            "effects": sorted(row.key for row in db.execute(select(effect))),
            "plan": plans.current_version(db, DEPOT, DAY),
        }


def open_cases() -> list[str]:
    with store.transaction() as db:
        return sorted(db.execute(select(case.c.kind).where(case.c.closed_at.is_(None))).scalars())
