"""Random small days: whatever happens, nothing ping-pongs, nothing jumps between vans, we break no shift."""

from __future__ import annotations

import random
from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core import clock, custody, incidents, orders, plans
from core.errors import DoorstepError
from core.incidents import NewIncident
from core.store import db as store
from core.store.tables import case, decision, effect, promise, van, vehicle
from tests.living import (
    DAY,
    DEPOT,
    HOME,
    STEP,
    Day,
    Living,
    a_day,
    an_order,
    at,
    copy_of,
    customer_of,
    instance_on,
    look,
    tap,
)
from tools import desk, publishing

START = at("07:30")
STEPS = 10
ROUTES = {"van1": ["A1", "A2", "A3", "A4"], "van2": ["B1", "B2", "B3"]}
HYSTERESIS = timedelta(minutes=30)
CAP = 2


class RandomDay:
    """One day on which anything may happen, as it is drawn."""

    def __init__(self, living: Living, draw: random.Random) -> None:
        self.living, self.draw, self.now = living, draw, START
        self.day: Day = a_day(living, ROUTES, {"B1": 1.5, "B2": 2.5, "B3": 3.5})
        self.live = 0
        living.to(START)

    def run(self) -> None:
        often = [self.load] * 2 + [self.drive] * 3 + [self.promise_less] * 2
        for _ in range(STEPS):
            self.now += timedelta(minutes=self.draw.randint(3, 17))
            self.living.to(self.now)
            happens = self.draw.choice([*often, self.came_in, self.urgent, self.cancel, self.storm, self.squeeze])
            with suppress(DoorstepError):  # what can't be true is refused, and nothing has changed
                happens()
            look(self.now)
            self.living.pulse(self.now)
            goods_and_routes_agree()

    def load(self) -> None:
        van_id = self.draw.choice(sorted(ROUTES))
        with store.transaction() as db:
            if state_of(van_id) != "idle":
                return
            mine = [o.id for stop in ahead(van_id) for o in orders.at_stop(db, stop) if o.status in ("new", "planned")]
            if mine:
                tap(db, "loaded", van_id, self.now, orders=mine)
            if self.draw.random() < 0.7:
                tap(db, "departed", van_id, self.now)

    def drive(self) -> None:
        van_id = self.draw.choice(sorted(ROUTES))
        with store.transaction() as db:
            left = ahead(van_id)
            if state_of(van_id) != "driving" or not left:
                return
            tap(db, "arrived", van_id, self.now, left[0])
            for row in [o for o in orders.at_stop(db, left[0]) if o.status == "out"]:
                if self.draw.random() < 0.3:
                    tap(db, "failed", van_id, self.now, row.id, reason="nobody_home")
                else:
                    tap(db, "delivered", van_id, self.now, row.id, proof={"kind": "photo", "sha256": "ab" * 32})

    def promise_less(self) -> None:
        """Somebody was told a time that does not hold."""
        ref = self.draw.choice(sorted(self.day.orders))
        hi = self.now + timedelta(minutes=self.draw.randint(5, 60))
        with store.transaction() as db:
            mine = (promise.c.order_id == self.day.orders[ref]) & (promise.c.status == "open")
            db.execute(update(promise).where(mine).values(lo=hi - timedelta(hours=1), hi=hi))

    def came_in(self) -> None:
        self.live += 1
        with store.transaction() as db:
            made = an_order(db, f"LIVE-{self.live}", self.draw.uniform(0.5, 4))
            publishing.came_late(db, DEPOT, DAY, [made], clock.now(db))

    def urgent(self) -> None:
        self.live += 1
        kind = self.draw.choice(["delivery", "service"])
        with store.transaction() as db:
            made = an_order(db, f"LIVE-{self.live}", self.draw.uniform(0.5, 4), priority=3, kind=kind)
            publishing.came_late(db, DEPOT, DAY, [made], clock.now(db))

    def squeeze(self) -> None:
        """A shift gets shorter or longer, a van smaller or larger."""
        mine = vehicle.c.id == self.draw.choice(sorted(ROUTES))
        hours, pieces = self.draw.choice([9, 10, 18]), self.draw.choice([2, 3, 100])
        with store.transaction() as db:
            db.execute(update(vehicle).where(mine).values(shift_end_s=3600 * hours, pieces=pieces))

    def cancel(self) -> None:
        ref = self.draw.choice(sorted(self.day.orders))
        with store.transaction() as db:
            desk.propose(db, customer_of(db, self.day.orders[ref]), "cancel", {"order": ref}, self.now)

    def storm(self) -> None:
        circle = {"lat": HOME[0] + STEP, "lon": HOME[1], "radius_m": 5000}
        said = {"kind": "storm", "depot": DEPOT, "until": self.now + timedelta(minutes=40), **circle}
        with store.transaction() as db:
            incidents.declare(db, NewIncident.model_validate(said), DAY, "pri_1", self.now)


def state_of(van_id: str) -> str:
    with store.transaction() as db:
        found = select(van.c.state).where(van.c.vehicle_id == van_id, van.c.day == DAY)
        return str(db.execute(found).scalar_one_or_none() or "idle")


def ahead(van_id: str) -> list[str]:
    with store.transaction() as db:
        current, still = plans.current(db, DEPOT, DAY), orders.open_stops(db, DEPOT, DAY)
        assert current is not None
        return [stop for stop in current.routes[van_id].stops if stop in still]


def goods_and_routes_agree() -> None:
    """Each open stop is on one list at most, and what is aboard a van is on that van's list."""
    with store.transaction() as db:
        seen: set[str] = set()
        for van_id in ROUTES:
            for stop in ahead(van_id):
                assert stop not in seen
                seen.add(stop)
                mine = [o for o in orders.at_stop(db, stop) if o.status in orders.OPEN]
                assert {custody.van_of(db, o.id) for o in mine} <= {None, van_id}


def moved_by_themselves() -> dict[str, list[datetime]]:
    """Stop -> when it was moved without a person."""
    found: dict[str, list[datetime]] = defaultdict(list)
    with store.transaction() as db:
        auto = set(db.execute(select(decision.c.case_id).where(decision.c.verdict == "auto")).scalars())
        for row in db.execute(select(effect).where(effect.c.action == "stop.move").order_by(effect.c.at)):
            if row.case_id in auto:
                found[row.target].append(row.at)
    return found


@settings(
    max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.randoms(use_true_random=False))
def test_no_stop_is_moved_twice_within_the_half_hour_more_often_than_the_cap_or_off_the_van_that_has_it(
    template_url: str, tmp_path_factory: pytest.TempPathFactory, draw: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("day") / "data"
    with copy_of(template_url, "doorstep_random") as url, instance_on(url, folder, at("07:00")) as living:
        RandomDay(living, draw).run()  # looks after each step that goods and lists agree
        for stop, times in moved_by_themselves().items():
            assert len(times) <= CAP, stop
            assert all(later - earlier >= HYSTERESIS for earlier, later in pairwise(times)), stop
        everything_has_come_to_an_end()


def everything_has_come_to_an_end() -> None:
    with store.transaction() as db:
        assert {row.verdict for row in db.execute(select(decision))} <= {"auto", "approved", "escalated"}
        stuck = select(case.c.id).where(case.c.status.in_(["open", "diagnosed", "weighed", "approved", "acting"]))
        assert list(db.execute(stuck)) == [], "all that goes on by itself has come to an end"
        for row in db.execute(select(case).where(case.c.status == "closed")):
            picked = (row.inputs.get("outcome") or {}).get("picked")
            assert all(o["feasible"] for o in row.options if o["id"] == picked), "nothing that breaks a shift is done"
