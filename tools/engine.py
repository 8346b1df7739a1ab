"""The engine process: holds plan and travel times of each depot-day in memory, answers what-if in milliseconds, keeps
every arrival range fresh, and runs the long solves.

One engine owns a depot-day, by an advisory lock that ends with its connection. Nothing in here is the truth: after a
crash all of it is rebuilt from plan and events, and a plan run that was under way starts over.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection, func, select, text, update

from core import blobs, canonical, clock, plans, stream, vans
from core.clock import iso
from core.errors import DoorstepError, NotFound, Unavailable, WrongState
from core.store import db as store
from core.store.tables import depot, order, plan_run
from optimizer import checker, figures
from optimizer.options import ONE_STOP, Scope
from optimizer.problem import Plan, Problem, Route
from optimizer.schedule import Schedule
from tools import plan_questions, problems, roadside, starting, tracker, wire
from tools.notify import stages
from tools.optimizer import Question, placed, question
from tools.problems import Ground
from tools.publishing import plan_outcome
from tools.slots import Slot, Wanted
from tools.solver import Solve

if TYPE_CHECKING:  # compiled code: loaded by the first question that needs it, in a second or two
    from tools.live_day import LiveDay
    from tools.slot_search import Held

log = structlog.get_logger("engine")

PULSE_S = 0.2
"""The pause between two refreshes of all arrival ranges on a real day."""
POLL_S = 0.2
"""How often new plan runs are looked for."""


class Engine:
    """What the process holds. Threads: one a socket connection, the pulse, and one a running solve."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._grounds: dict[tuple[str, date], tuple[str, Ground]] = {}
        self._plans: dict[tuple[str, date], plans.PlanVersion] = {}
        self._held: dict[tuple[str, date], tuple[Problem, Held]] = {}
        self._live: dict[tuple[str, date], LiveDay] = {}
        self._owned: set[tuple[str, date]] = set()
        self._holder: Connection | None = None
        self._solves: dict[str, Solve] = {}
        self.stopping = threading.Event()

    # requests -------------------------------------------------------------------------------------------------------

    def answer(self, op: str, args: Mapping[str, Any]) -> Any:
        if op == "tick":
            return self.tick(datetime.fromisoformat(args["now"]))
        if op == "ask":
            at = datetime.fromisoformat(args["now"])
            scope = Scope.model_validate(args["scope"])
            day, kinds = date.fromisoformat(args["day"]), tuple(args["kinds"])
            return self.ask(args["depot"], day, args["stop"], kinds, at, scope)
        if op == "place":
            at, day = datetime.fromisoformat(args["now"]), date.fromisoformat(args["day"])
            return self.place(args["depot"], day, args["order"], tuple(args["kinds"]), at)
        if op == "why_moved":
            with store.snapshot() as db:
                return plan_questions.why_moved(db, **{**args, "day": date.fromisoformat(args["day"])})
        if op == "slots":
            first = args["first"] and date.fromisoformat(args["first"])
            wanted, at = Wanted.model_validate(args["wanted"]), datetime.fromisoformat(args["now"])
            return self.free_slots(wanted, at, args["days"], args["hours"], first)
        if op == "ping":
            return {"owned": sorted(f"{d}/{day}" for d, day in self._owned), "solving": sorted(self._solves)}
        raise NotFound(f"The engine has no operation {op!r}.", "")

    def ask(
        self, depot_id: str, day: date, stop: str, kinds: tuple[str, ...], now: datetime, scope: Scope = ONE_STOP
    ) -> Any:
        with self._lock, store.snapshot() as db:
            here, current = self._ground(db, depot_id, day), self._plan(db, depot_id, day)
            problem = problems.seen(db, here, current, now, stop, kinds)
        return question(here, current.version if current else 0, problem, stop, kinds, scope)

    def place(self, depot_id: str, day: date, order_id: str, kinds: tuple[str, ...], now: datetime) -> Question:
        with self._lock, store.snapshot() as db:
            return placed(db, self._live_day(db, depot_id, day, now), order_id, kinds)

    def free_slots(self, wanted: Wanted, now: datetime, days: int, hours: int, first: date | None) -> tuple[Slot, ...]:
        from tools import slot_search

        with self._lock, store.snapshot() as db:
            return slot_search.find(db, wanted, now, days, hours, first, self._hold)

    def tick(self, now: datetime) -> dict[str, Any]:
        """Refresh every depot-day that this engine owns."""
        opened: list[str] = []
        with self._lock, store.transaction() as db:
            for depot_id, day in vans.active_days(db, now):
                current = self._plan(db, depot_id, day)
                if current is None or not self._own(depot_id, day):
                    continue
                here = self._ground(db, depot_id, day)
                opened += tracker.refresh(db, here, current.version, problems.live(db, here, current, now), now)
                stages.near(db, depot_id, day, now)
        return {"opened": opened}

    # what is held ---------------------------------------------------------------------------------------------------

    def _ground(self, db: Connection, depot_id: str, day: date) -> Ground:
        """Kept until an order is added or taken away, or the depot gets another matrix."""
        stamp = canonical.digest(
            [
                db.execute(select(depot.c.matrix).where(depot.c.id == depot_id)).scalar_one_or_none(),
                db.execute(
                    select(func.count(), func.max(order.c.created_at).cast(order.c.ref.type)).where(
                        order.c.depot_id == depot_id, order.c.day == day, order.c.lat.is_not(None)
                    )
                )
                .one()
                ._asdict(),
                roadside.stamp(db, depot_id, day),
            ]
        )
        known = self._grounds.get((depot_id, day))
        if known is None or known[0] != stamp:
            known = (stamp, problems.ground(db, depot_id, day))
            self._grounds[depot_id, day] = known
        return known[1]

    def _plan(self, db: Connection, depot_id: str, day: date) -> plans.PlanVersion | None:
        version = plans.current_version(db, depot_id, day)
        if version is None:
            return None
        known = self._plans.get((depot_id, day))
        if known is None or known.version != version:
            newer = None if known is None else plans.since(db, known)
            known = self._plans[depot_id, day] = newer or plans.get(db, depot_id, day, version)
        return known

    def _hold(self, db: Connection, depot_id: str, day: date, now: datetime) -> Held:
        """A day ready for slots, kept as long as nothing of it changes."""
        from tools import slot_search

        here = self._ground(db, depot_id, day)
        problem = slot_search.read(db, here, self._plan(db, depot_id, day), now)
        known = self._held.get((depot_id, day))
        if known is None or known[0] != problem:
            known = self._held[depot_id, day] = problem, slot_search.held_of(here, problem)
        return known[1]

    def _live_day(self, db: Connection, depot_id: str, day: date, now: datetime) -> LiveDay:
        """The day as it is held, brought up to its current plan."""
        from tools import live_day

        current, known = self._plan(db, depot_id, day), self._live.get((depot_id, day))
        if current is None:
            raise WrongState(f"Depot {depot_id} has no published plan for {day}.", "Plan and publish first.")
        if known is None or not live_day.is_fresh(known, now) or not known.follow(current):
            here = self._ground(db, depot_id, day)
            known = self._live[depot_id, day] = live_day.read(db, here, current, now)
        return known

    def _own(self, depot_id: str, day: date) -> bool:
        if (depot_id, day) in self._owned and self._holder is not None and not self._holder.closed:
            return True
        if self._holder is None or self._holder.invalidated:
            self._holder = store.engine().connect().execution_options(isolation_level="AUTOCOMMIT")
            self._owned.clear()
        query = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
        got = bool(self._holder.execute(query, {"key": f"engine:{depot_id}:{day}"}).scalar_one())
        if got:
            self._owned.add((depot_id, day))
        return got

    def lost_database(self) -> None:
        with self._lock:
            self._holder = None
            self._owned.clear()

    # loops ----------------------------------------------------------------------------------------------------------

    def pulse(self) -> None:
        """On a real day, keep arrival ranges fresh; on a simulated one the world's clock does."""
        while not self.stopping.wait(PULSE_S):
            try:
                with store.snapshot() as db:
                    reading = clock.read(db)
                if not reading.simulated:
                    self.tick(reading.now)
            except DoorstepError as error:
                log.warning("pulse.failed", error=str(error))
                self.lost_database()
            except Exception:
                log.exception("pulse.failed")

    def plan_runs(self) -> None:
        """Work the plan runs that wait, one a core at a time; those that a dead engine left running wait again."""
        self._until_stopped(_queue_again)
        takers = [
            threading.Thread(target=self._until_stopped, args=[self._take_run], daemon=True)
            for _ in range(os.cpu_count() or 1)
        ]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()

    def _until_stopped(self, step: Callable[[], bool]) -> None:
        """Again and again, whatever happens to the database, until it says False."""
        while not self.stopping.wait(POLL_S):
            try:
                if not step():
                    return
            except Unavailable as error:
                log.warning("runs.waiting", error=str(error))
                self.stopping.wait(1)
            except Exception:
                log.exception("runs.failed")
                self.stopping.wait(1)

    def _take_run(self) -> bool:
        waiting = select(plan_run.c.id).where(plan_run.c.status == "queued").order_by(plan_run.c.at, plan_run.c.id)
        oldest = waiting.limit(1).with_for_update(skip_locked=True).scalar_subquery()
        mine = update(plan_run).values(status="running").where(plan_run.c.id == oldest).returning(plan_run.c.id)
        with store.transaction() as db:
            run_id = db.execute(mine).scalar_one_or_none()
        if run_id is not None:
            self.run(run_id)
        return True

    def run(self, run_id: str) -> None:
        """Solve one plan run and write its draft; a failure is written on the run."""
        try:
            with store.snapshot() as db:
                row = db.execute(select(plan_run).where(plan_run.c.id == run_id)).one()
                here = problems.ground(db, row.depot_id, row.day)
                problem = starting.at(db, here, problems.first(db, here), row.request.get("start"))
                parent = plans.current_version(db, row.depot_id, row.day)
            solve = self._solves[run_id] = Solve(problem, problems.matrices(), row.request)
            plan = solve.run(lambda step: _progress(run_id, step))
            with store.transaction() as db:
                _draft(db, run_id, here, problem, plan, row.request, parent)
        except Unavailable as error:
            if not self.stopping.is_set():
                _fail(run_id, str(error))
        except Exception as error:
            log.exception("run.failed", run=run_id)
            _fail(run_id, str(error))
        finally:
            self._solves.pop(run_id, None)

    def stop(self) -> None:
        self.stopping.set()
        for solve in list(self._solves.values()):
            solve.cancel()


def _queue_again() -> bool:
    with store.transaction() as db:
        db.execute(update(plan_run).where(plan_run.c.status == "running").values(status="queued"))
    return False  # once is enough


def _progress(run_id: str, step: Mapping[str, Any]) -> None:
    with store.transaction() as db:
        known = list(db.execute(select(plan_run.c.progress).where(plan_run.c.id == run_id)).scalar_one())
        db.execute(update(plan_run).where(plan_run.c.id == run_id).values(progress=[*known[-199:], dict(step)]))
        stream.tell(db, "run", {"id": run_id, "status": "running", **step})


def _fail(run_id: str, error: str) -> None:
    with store.transaction() as db:
        db.execute(update(plan_run).where(plan_run.c.id == run_id).values(status="failed", error=error))
        stream.tell(db, "run", {"id": run_id, "status": "failed", "error": error})


def _draft(
    db: Connection,
    run_id: str,
    here: Ground,
    problem: Problem,
    plan: Plan,
    request: Mapping[str, Any],
    parent: int | None,
) -> None:
    made_by: dict[str, Any] = {
        "engine": plan.engine,
        "iterations": request["iterations"],
        "seed": request["seed"],
        "stopped_by": plan.stopped_by,
        "problem": blobs.put(db, problem),
        "matrix": problem.matrix,
        "outcome": plan_outcome(plan),
        "violations": len(checker.check(problem, here.matrix, plan)),
    }
    if request.get("start") is not None:
        made_by["start"] = starting.left(problem, plan, request["start"])
    unassigned = [
        {"stop": u.stop_id, "orders": list(here.orders[u.stop_id]), "reason": u.reason, "detail": u.detail}
        for u in plan.unassigned
    ]
    now = clock.now(db)
    version = plans.add(
        db, here.depot_id, here.day, planned_routes(here, problem, plan), parent=parent, status="draft",
        unassigned=unassigned, made_by=made_by, at=now,
    )  # fmt: skip
    db.execute(update(plan_run).where(plan_run.c.id == run_id).values(status="done", version=version))
    stream.tell(db, "run", {"id": run_id, "depot": here.depot_id, "status": "done", "version": version, "at": iso(now)})


def planned_routes(here: Ground, problem: Problem, plan: Plan) -> list[plans.PlannedRoute]:
    """The solver's routes as the record keeps them; a vehicle without stops gets an empty route."""
    solved = {route.vehicle_id: route for route in plan.routes}
    made, schedule = [], Schedule(problem, here.matrix)
    for vehicle in problem.vehicles:
        route = solved.get(vehicle.id)
        visits = tuple(
            plans.PlannedVisit(stop=v.stop_id, arrival=here.at(v.start_s), departure=here.at(v.departure_s))
            for v in (route.visits if route else ())
        )
        start, end = (route.start_s, route.end_s) if route else (vehicle.ready_s, vehicle.ready_s)
        made.append(
            plans.PlannedRoute(
                vehicle_id=vehicle.id, visits=visits, start=here.at(start), end=here.at(end),
                distance_m=route.distance_m if route else 0, driving_s=route.driving_s if route else 0,
                cost=route.cost if route else 0, rests=_rests(here, route) if route else (),
                figures=figures.of_route(problem, schedule, vehicle, route).model_dump(mode="json") if route else {},
            )
        )  # fmt: skip
    return made


def _rests(here: Ground, route: Route) -> tuple[plans.PlannedRest, ...]:
    return tuple(
        plans.PlannedRest(
            after=r.position, at=here.at(r.at_s), seconds=r.duration_s, driven_s=r.driven_s, own=bool(r.break_id)
        )
        for r in route.rests
    )


def main() -> None:
    """Run until the supervisor says stop."""
    engine = Engine()
    server = wire.Server(wire.socket_path("engine.sock"), engine.answer)
    server.start()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: engine.stop())
    threading.Thread(target=engine.pulse, daemon=True).start()
    threading.Thread(target=engine.plan_runs, daemon=True).start()
    log.info("engine.ready")
    engine.stopping.wait()
    server.shutdown()
