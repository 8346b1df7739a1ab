"""Vehicles as a plan sees them, from the fleet's and the orders' rows to what the solver must keep to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection

from core import fleet, orders, plans
from core.errors import BadInput
from optimizer import ortools_engine
from optimizer.checker import check
from optimizer.problem import Hours, Vehicle
from tests.living import DAY, DEPOT, HOME, STEP, a_depot, a_plan, a_van, an_order, at, deliver, load_and_leave, stop_of
from tools import problems, yard

MINUTE, HOUR = 60, 3600
NORTH = [[HOME[0] + STEP * 3.5, HOME[1] - 1], [HOME[0] + STEP * 3.5, HOME[1] + 1], [80, HOME[1] + 1], [80, HOME[1] - 1]]


def loading(name: str, ready_min: int, takes_min: int = 30) -> Vehicle:
    return Vehicle(
        id=name, start=0, ready_s=(ready_min + takes_min) * MINUTE, shift_end_s=24 * HOUR, loading_s=takes_min * MINUTE
    )


@pytest.mark.parametrize(
    ("docks", "leave_min"),
    [
        pytest.param(None, [30, 30, 30, 40], id="room for all"),
        pytest.param(1, [30, 60, 90, 120], id="one after the other"),
        pytest.param(2, [30, 30, 60, 60], id="two at a time"),
    ],
)
def test_few_docks_stagger_the_departures(docks: int | None, leave_min: list[int]) -> None:
    vans = yard.at_docks([loading("d", 10), loading("a", 0), loading("b", 0), loading("c", 0)], docks)
    assert [van.ready_s // MINUTE for van in vans] == leave_min
    assert [van.id for van in vans] == ["a", "b", "c", "d"]


def planned(db: Connection) -> dict[str, tuple[str, ...]]:
    """What the solver makes of the record, checked by the independent checker."""
    here = problems.ground(db, DEPOT, DAY)
    day = problems.first(db, here)
    plan = ortools_engine.solve(day, here.matrix, iterations=3000)
    assert check(day, here.matrix, plan) == ()
    return {r.vehicle_id: r.stop_ids for r in plan.routes if r.visits} | {
        u.reason: (u.stop_id,) for u in plan.unassigned
    }


@pytest.mark.parametrize(
    ("vans", "order", "where"),
    [
        pytest.param({"van2": {"skills": ["lift"]}}, {"skills": ["lift"]}, "van2", id="what the job needs"),
        pytest.param({"van2": {"skills": ["cold"]}}, {"skills": ["lift"]}, "no_skill", id="nobody has it"),
        pytest.param({"van2": {"crew": 2}}, {"crew": 2}, "van2", id="two persons"),
        pytest.param({"van2": {}}, {"crew": 3}, "no_crew", id="not that many"),
        pytest.param({"van1": {"areas": []}, "van2": {"areas": ["north"]}}, {}, "van2", id="its own area"),
        pytest.param({"van1": {"areas": []}, "van2": {"areas": []}}, {}, "outside_areas", id="nobody's area"),
        pytest.param({"van1": {"weight_kg": 5}, "van2": {}}, {"weight_g": 9000}, "van2", id="weight"),
        pytest.param({"van1": {"volume_l": 5}, "van2": {}}, {"volume_ml": 9000}, "van2", id="volume"),
        pytest.param({"van1": {"pieces": 2}}, {"pieces": 3}, "too_big", id="pieces"),
        pytest.param(
            {"van1": {"hours": {"day_min": 2}}}, {}, "legal_hours", id="the law"
        ),
        pytest.param({"van1": {"shift_end": "08:05"}}, {}, "shift_too_short", id="the shift"),
    ],
)  # fmt: skip
def test_an_order_goes_where_it_may_or_says_why_not(
    record: Connection, vans: dict[str, dict[str, Any]], order: dict[str, Any], where: str
) -> None:
    a_depot(record)
    fleet.put_area(record, fleet.Area.model_validate({"id": "north", "depot": DEPOT, "polygon": NORTH}))
    for name in ("van1", *sorted(vans.keys() - {"van1"})):
        a_van(record, name, **{"cost_per_use": 5000 if name == "van1" else 9000, **vans.get(name, {})})
    made = an_order(record, "A1", 5, **order)
    assert planned(record) == {where: (stop_of(record, made),)}


def test_what_is_fetched_needs_room_only_after_what_was_brought(record: Connection) -> None:
    a_depot(record)
    a_van(record, pieces=10)
    brought = an_order(record, "A1", 1, pieces=10)
    fetched = [an_order(record, ref, n, pieces=5, kind=k) for ref, n, k in (("B1", 2, "pickup"), ("B2", 3, "return"))]
    service = an_order(record, "C1", 4, pieces=10, kind="service")
    on = planned(record)["van1"]
    assert set(on) == {stop_of(record, each) for each in (brought, *fetched, service)}
    assert on.index(stop_of(record, brought)) < max(on.index(stop_of(record, each)) for each in fetched)


def test_an_exchange_brings_as_much_as_it_fetches(record: Connection) -> None:
    a_depot(record)
    a_van(record, pieces=10)
    an_order(record, "A1", 1, pieces=10, kind="exchange")
    stop = problems.first(record, problems.ground(record, DEPOT, DAY)).stops[0]
    assert stop.demand == stop.pickup == (10, 0, 0)
    assert set(planned(record)) == {"van1"}


def test_breaks_and_hours_come_from_the_fleet_file(record: Connection) -> None:
    a_depot(record)
    a_van(record, breaks=[{"minutes": 30, "earliest": "12:00", "latest": "13:30"}], hours={"drive_min": 120})
    a_van(record, "van2", hours=None)
    one, other = problems.first(record, _ground_with_an_order(record)).vehicles
    assert one.hours == Hours(drive_s=2 * HOUR)
    assert [(b.duration_s, b.windows) for b in one.breaks] == [(1800, ((12 * HOUR, 13 * HOUR + 1800),))]
    assert (other.hours, other.breaks) == (None, ())


def _ground_with_an_order(db: Connection) -> problems.Ground:
    an_order(db, "A1")
    return problems.ground(db, DEPOT, DAY)


def test_a_break_that_begins_after_its_end_is_refused(record: Connection) -> None:
    a_depot(record)
    with pytest.raises(BadInput, match="ends to begin"):
        a_van(record, breaks=[{"minutes": 30, "earliest": "14:00", "latest": "13:30"}])
    with pytest.raises(BadInput, match="no area west"):
        a_van(record, areas=["west"])


def test_on_the_road_what_was_driven_counts_and_what_was_refused_is_aboard(record: Connection) -> None:
    a_depot(record)
    a_van(record, breaks=[{"minutes": 30, "earliest": "12:00", "latest": "20:00"}])
    ids = [an_order(record, f"A{n}", n, pieces=4) for n in (1, 2, 3)]
    a_plan(record, {"van1": ids})
    load_and_leave(record, "van1", ids, at("08:00"))
    deliver(record, "van1", ids[0], at("08:20"))
    current = plans.current(record, DEPOT, DAY)
    assert current is not None
    here = problems.ground(record, DEPOT, DAY)
    seen = problems.live(record, here, current, at("08:30")).vehicle("van1")
    driven = (19 + 7) * MINUTE  # it left at 08:01, came at 08:20, left the door at 08:23
    assert (seen.drove_s, seen.driven_s, len(seen.breaks)) == (driven, driven, 1)
    orders.set_status(record, [ids[1]], "failed")
    assert problems.live(record, here, current, at("08:30")).vehicle("van1").held == (4, 0, 0)


def test_an_own_break_is_behind_with_the_stop_after_it_or_with_its_time() -> None:
    t0 = at("00:00")
    visits = tuple(plans.PlannedVisit(stop=s, arrival=t0, departure=t0) for s in ("s1", "s2", "s3"))
    rest = plans.PlannedRest(after=1, at=at("10:00"), seconds=2700, driven_s=0, own=True)
    route = plans.PlannedRoute(
        vehicle_id="v", visits=visits, start=t0, end=t0, distance_m=0, driving_s=0, cost=0, rests=(rest,)
    )
    own = Vehicle.model_validate(
        {"id": "v", "start": 0, "ready_s": 0, "shift_end_s": 9, "hours": {},
         "breaks": [{"id": "break1", "duration_s": 2700, "windows": [[0, 24 * HOUR]]}]}
    )  # fmt: skip
    state: Any = SimpleNamespace(hours=None)

    def ahead(*left: str, now: str = "09:00") -> int:
        return len(yard.driving_so_far(own, state, route, left, at(now), t0)["breaks"])

    assert (ahead("s2", "s3"), ahead("s3"), ahead("s2", "s3", now="11:00")) == (1, 0, 0)
