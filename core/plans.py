"""Plans: immutable versions of who visits which stop in what order. A version stores only the routes that it changes.

A draft stands beside the published plan until it is published; the current plan is the newest published version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import canonical, stream
from core.errors import NotFound, Stale
from core.store.tables import depot, plan, plan_route

KEPT = 16
"""published plans that a process remembers"""
_read: dict[tuple[str, str, date], PlanVersion] = {}


class PlannedVisit(BaseModel):
    model_config = ConfigDict(frozen=True)

    stop: str
    arrival: datetime
    departure: datetime


class PlannedRest(BaseModel):
    """A break of the driver: after how many stops, from when on, how long, and how far into the leg."""

    model_config = ConfigDict(frozen=True)

    after: int
    at: datetime
    seconds: int
    driven_s: int
    own: bool
    """one of the driver's own breaks, not one that only the law asks for"""


class PlannedRoute(BaseModel):
    """One vehicle's list for the day, with planned times (UTC), metres, seconds and cents."""

    model_config = ConfigDict(frozen=True)

    vehicle_id: str
    visits: tuple[PlannedVisit, ...]
    start: datetime
    end: datetime
    distance_m: int
    driving_s: int
    cost: int
    rests: tuple[PlannedRest, ...] = ()
    figures: dict[str, Any] = {}
    """`optimizer.figures.Figures` as it was planned; empty: it was changed since, or planned before there were any"""

    @property
    def stops(self) -> tuple[str, ...]:
        return tuple(visit.stop for visit in self.visits)

    @cached_property
    def digest(self) -> str:
        """Hash of what the driver is told to do: the vehicle and its stops in order, without times."""
        return canonical.digest([self.vehicle_id, *self.stops])


class PlanVersion(BaseModel):
    model_config = ConfigDict(frozen=True)

    depot_id: str
    day: date
    version: int
    parent: int | None
    status: str
    cost: int
    unassigned: tuple[dict[str, Any], ...]
    made_by: dict[str, Any]
    created_at: datetime
    routes: dict[str, PlannedRoute]

    @cached_property
    def digest(self) -> str:
        return digest_of(self.routes)

    def vehicle_of(self, stop: str) -> str | None:
        return next((v for v, route in sorted(self.routes.items()) if stop in route.stops), None)


def digest_of(routes: Mapping[str, PlannedRoute]) -> str:
    return canonical.digest({vehicle: route.digest for vehicle, route in routes.items()})


def newest(db: Connection, depot_id: str, day: date) -> int:
    """Highest version number in use, drafts included; 0 when there is none."""
    query = select(func.max(plan.c.version)).where(plan.c.depot_id == depot_id, plan.c.day == day)
    return db.execute(query).scalar_one() or 0


def current_version(db: Connection, depot_id: str, day: date) -> int | None:
    """Number of the newest published version."""
    query = select(func.max(plan.c.version)).where(
        plan.c.depot_id == depot_id, plan.c.day == day, plan.c.status == "published"
    )
    version: int | None = db.execute(query).scalar_one()
    return version


def get(db: Connection, depot_id: str, day: date, version: int) -> PlanVersion:
    row = db.execute(
        select(plan).where(plan.c.depot_id == depot_id, plan.c.day == day, plan.c.version == version)
    ).one_or_none()
    if row is None:
        raise NotFound(f"Depot {depot_id} has no plan {version} for {day}.", "Make one with POST /api/plans.")
    return _version(row, _routes(db, depot_id, day, version, row.status))


def _version(row: Row[Any], routes: dict[str, PlannedRoute]) -> PlanVersion:
    # its routes were checked when they were read: to check 120 of them again takes longer than reading what is new
    return PlanVersion.model_construct(
        depot_id=row.depot_id, day=row.day, version=row.version, parent=row.parent, status=row.status, cost=row.cost,
        unassigned=tuple(row.unassigned), made_by=row.made_by, created_at=row.created_at, routes=routes,
    )  # fmt: skip


def current(db: Connection, depot_id: str, day: date) -> PlanVersion | None:
    """The published plan. A process that has read it before reads what has changed since."""
    place = str(db.engine.url.database), depot_id, day
    known = _read.get(place)
    found = None if known is None else since(db, known)
    if found is None:
        version = current_version(db, depot_id, day)
        found = None if version is None else get(db, depot_id, day, version)
    if found is not None:
        _read[place] = found
        while len(_read) > KEPT:
            _read.pop(next(iter(_read)), None)
    return found


def since(db: Connection, known: PlanVersion) -> PlanVersion | None:
    """The current plan, read as what has changed since a published version of it; None when that is none of this
    record's. A route that nobody has changed is the same object."""
    newer = select(plan).where(
        plan.c.depot_id == known.depot_id, plan.c.day == known.day, plan.c.status == "published",
        plan.c.version >= known.version,
    )  # fmt: skip
    rows = list(db.execute(newer.order_by(plan.c.version)))
    same = rows[:1] and _version(rows[0], known.routes)
    if not same or same != known or rows[0].digest != known.digest:
        return None
    if len(rows) == 1:
        return known
    changed = select(plan_route).where(
        plan_route.c.depot_id == known.depot_id, plan_route.c.day == known.day,
        plan_route.c.version.in_([row.version for row in rows[1:]]),
    )  # fmt: skip
    later = {row.vehicle_id: _route(row) for row in db.execute(changed.order_by(plan_route.c.version))}
    return _version(rows[-1], dict(sorted({**known.routes, **later}.items())))


def current_route(db: Connection, depot_id: str, day: date, vehicle_id: str) -> PlannedRoute | None:
    """One vehicle's route as it is published now, without reading the whole plan."""
    query = (
        select(plan_route)
        .join(plan, (plan.c.depot_id == plan_route.c.depot_id) & (plan.c.day == plan_route.c.day)
              & (plan.c.version == plan_route.c.version) & (plan.c.status == "published"))
        .where(plan_route.c.depot_id == depot_id, plan_route.c.day == day, plan_route.c.vehicle_id == vehicle_id)
        .order_by(plan_route.c.version.desc())
    )  # fmt: skip
    row = db.execute(query.limit(1)).one_or_none()
    return None if row is None else _route(row)


def _route(row: Row[Any]) -> PlannedRoute:
    return PlannedRoute(
        vehicle_id=row.vehicle_id, visits=tuple(_visit(v) for v in row.visits), start=row.start,
        end=row.end, distance_m=row.distance_m, driving_s=row.driving_s, cost=row.cost,
        rests=tuple(PlannedRest(**r) for r in row.rests), figures=row.figures,
    )  # fmt: skip


def _visit(row: Mapping[str, str]) -> PlannedVisit:
    # we wrote it: reading a day's plan is most of a small change's time when each of its visits is validated again
    at = datetime.fromisoformat
    return PlannedVisit.model_construct(stop=row["stop"], arrival=at(row["arrival"]), departure=at(row["departure"]))


def _routes(db: Connection, depot_id: str, day: date, version: int, status: str) -> dict[str, PlannedRoute]:
    """A draft stores all of its routes; a published version's are the newest of each vehicle up to it."""
    where = [plan_route.c.depot_id == depot_id, plan_route.c.day == day]
    if status == "draft":
        where.append(plan_route.c.version == version)
    else:
        published = select(plan.c.version).where(
            plan.c.depot_id == depot_id, plan.c.day == day, plan.c.status == "published", plan.c.version <= version
        )
        where.append(plan_route.c.version.in_(published))
    newest = (
        select(plan_route.c.vehicle_id, func.max(plan_route.c.version).label("version"))
        .where(*where)
        .group_by(plan_route.c.vehicle_id)
        .subquery()
    )
    query = (
        select(plan_route)
        .join(newest, (newest.c.vehicle_id == plan_route.c.vehicle_id) & (newest.c.version == plan_route.c.version))
        .where(plan_route.c.depot_id == depot_id, plan_route.c.day == day)
        .order_by(plan_route.c.vehicle_id)
    )
    return {row.vehicle_id: _route(row) for row in db.execute(query)}


def add(
    db: Connection,
    depot_id: str,
    day: date,
    routes: Sequence[PlannedRoute],
    *,
    parent: int | None,
    status: str,
    unassigned: Sequence[Mapping[str, Any]] = (),
    made_by: Mapping[str, Any],
    at: datetime,
    decision_id: str | None = None,
) -> int:
    """Write the next version with the routes that it changes. Raises Stale when `parent` is not the current plan."""
    _one_at_a_time(db, depot_id)
    standing = current(db, depot_id, day) if status == "published" else None
    if status == "published" and parent != (standing and standing.version):
        raise Stale(f"The plan has moved on from version {parent}.", "Look at the present plan and decide again.")
    version = newest(db, depot_id, day) + 1
    before = {} if standing is None else standing.routes
    after = {**before, **{route.vehicle_id: route for route in routes}}
    db.execute(
        insert(plan).values(
            depot_id=depot_id, day=day, version=version, parent=parent, digest=digest_of(after), status=status,
            cost=sum(route.cost for route in after.values()), unassigned=list(unassigned), made_by=dict(made_by),
            created_at=at, decision_id=decision_id,
        )
    )  # fmt: skip
    for route in routes:
        lists = {"visits", "rests"}
        row = route.model_dump(mode="json", include=lists) | route.model_dump(exclude=lists)
        db.execute(
            insert(plan_route).values(
                row | {"depot_id": depot_id, "day": day, "version": version, "digest": route.digest}
            )
        )
    if status == "published":
        _tell(db, depot_id, day, version)
    return version


def publish(db: Connection, draft: PlanVersion, decision_id: str) -> None:
    """Make a draft the current plan. Raises Stale when the plan it was drawn beside has moved on."""
    _one_at_a_time(db, draft.depot_id)
    if draft.parent != current_version(db, draft.depot_id, draft.day):
        raise Stale(f"The plan has changed since draft {draft.version} was made.", "Plan again and publish that draft.")
    db.execute(
        update(plan)
        .where(plan.c.depot_id == draft.depot_id, plan.c.day == draft.day, plan.c.version == draft.version)
        .values(status="published", decision_id=decision_id)
    )
    _tell(db, draft.depot_id, draft.day, draft.version)


def _one_at_a_time(db: Connection, depot_id: str) -> None:
    """Who writes a depot's plan second waits until the first has committed, and then sees what it wrote."""
    db.execute(select(depot.c.id).where(depot.c.id == depot_id).with_for_update(key_share=True))


def _tell(db: Connection, depot_id: str, day: date, version: int) -> None:
    stream.tell(db, "plan", {"depot": depot_id, "day": day.isoformat(), "version": version})
