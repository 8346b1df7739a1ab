"""Random small days with vans that break down: no parcel changes vans without both scans, nothing is on two lists, and
every case comes to an end."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from agent import replay
from core import custody, decisions, orders, reconciliation, transfers
from core.errors import DoorstepError
from core.store import db as store
from core.store.tables import case, decision, event, proposal
from tests.agent.cases.test_random_days import ROUTES, RandomDay, ahead, state_of
from tests.living import DAY, DEPOT, Living, at, look, tap
from tests.tools.a_case import approve
from tools import publishing

STEPS = 14


class BrokenDay(RandomDay):
    """The same, with breakdowns, meetings and a dispatcher who says yes."""

    def run(self) -> None:
        often = [self.load] * 2 + [self.drive] * 3 + [self.breaks] * 2 + [self.meets] * 3 + [self.approves] * 2
        for _ in range(STEPS):
            self.now += timedelta(minutes=self.draw.randint(3, 17))
            self.living.to(self.now)
            with suppress(DoorstepError):  # what can't be true is refused, and nothing has changed
                self.draw.choice([*often, self.repairs, self.cancel, self.promise_less])()
            look(self.now)
            self.living.pulse(self.now)
            goods_are_where_somebody_goes()

    def breaks(self) -> None:
        minutes = self.draw.choice([None, 20, 90])
        with store.transaction() as db:
            tap(db, "breakdown", self.draw.choice(sorted(ROUTES)), self.now, reason="tyre", minutes=minutes)

    def repairs(self) -> None:
        with store.transaction() as db:
            tap(db, "repaired", self.draw.choice(sorted(ROUTES)), self.now)

    def meets(self) -> None:
        """Both scan, or one forgets."""
        with store.transaction() as db:
            for row in transfers.of_day(db, DEPOT, DAY):
                said = {"transfer": row.id, "orders": [line.order_id for line in transfers.lines(db, [row.id])]}
                if self.draw.random() < 0.8:
                    tap(db, "gave", row.from_vehicle, self.now, **said)
                if self.draw.random() < 0.8:
                    tap(db, "took", row.to_vehicle, self.now, **said)

    def approves(self) -> None:
        with store.transaction() as db:
            up = db.execute(select(proposal).where(proposal.c.status == "open").order_by(proposal.c.digest)).all()
        for row in up:
            with suppress(DoorstepError):
                approve(row.case_id, row.digest)

    def cancel(self) -> None:
        if state_of("van1") == "idle":
            super().cancel()


def goods_are_where_somebody_goes() -> None:
    """Each open stop is on one list at most, and its goods are on that van or will be handed to it."""
    with store.transaction() as db:
        seen: set[str] = set()
        for van_id in ROUTES:
            for stop in ahead(van_id):
                assert stop not in seen
                seen.add(stop)
                mine = [o.id for o in orders.at_stop(db, stop) if o.status in orders.OPEN]
                assert {transfers.taker_of(db, o) or custody.van_of(db, o) for o in mine} <= {None, van_id}


@pytest.mark.parametrize("seed", range(6))
def test_no_parcel_changes_vans_without_both_scans(living: Living, seed: int) -> None:
    day = BrokenDay(living, Random(seed))
    day.run()
    with store.transaction() as db:
        scans = db.execute(select(event).where(event.c.kind.in_(["driver.gave", "driver.took"]))).all()
        for order_id in day.day.orders.values():
            loaded = db.execute(
                select(event.c.vehicle_id).where(event.c.subject == order_id, event.c.kind == "driver.loaded")
            ).scalars().all()  # fmt: skip
            by = {row.kind for row in scans if order_id in row.data["orders"]}
            now = custody.van_of(db, order_id)
            assert now in (None, *loaded) or by == {"driver.gave", "driver.took"}
        stuck = select(case.c.kind).where(case.c.status.in_(["open", "diagnosed", "weighed", "approved"]))
        assert list(db.execute(stuck).scalars()) == []
        for row in db.execute(select(decision).where(decision.c.verdict.in_(["auto", "approved"]))).all():
            body = decisions.body(db, row.id)
            if "problem" in body["inputs"] and "solve" not in body["inputs"]:
                assert replay.recompute(db, body["inputs"]) == body["outcome"]


@pytest.mark.parametrize("seed", range(3))
def test_at_the_end_every_line_is_empty_or_has_a_case(living: Living, seed: int) -> None:
    BrokenDay(living, Random(seed)).run()
    with store.transaction() as db:
        publishing.close_day(db, DEPOT, DAY, at("23:59"))
    living.work()
    with store.transaction() as db:
        found = reconciliation.of_day(db, DAY)
        assert [line for line in found.lines if line.case is None] == []
        acting = db.execute(select(case.c.kind).where(case.c.status == "acting")).scalars().all()
        assert acting == []
