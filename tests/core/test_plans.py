"""Plans: versions that never change, a current one, and nobody publishes over what they have not seen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from core import plans
from core.errors import NotFound, Stale
from core.plans import PlannedRoute, PlannedVisit
from core.store import db as store
from tests.living import DAY, DEPOT, Living, a_depot, at


def route(vehicle: str, *stops: str, from_time: str = "08:00", cost: int = 100) -> PlannedRoute:
    """Ten minutes a stop, five of them at the door."""
    begins = at(from_time)
    visits = tuple(
        PlannedVisit(
            stop=stop,
            arrival=begins + timedelta(minutes=10 * n + 5),
            departure=begins + timedelta(minutes=10 * n + 10),
        )
        for n, stop in enumerate(stops)
    )
    ends = visits[-1].departure if visits else begins
    return PlannedRoute(
        vehicle_id=vehicle, visits=visits, start=begins, end=ends, distance_m=1000, driving_s=300, cost=cost
    )


def add(db: Connection, routes: Sequence[PlannedRoute], parent: int | None = None, status: str = "published") -> int:
    return plans.add(db, DEPOT, DAY, routes, parent=parent, status=status, made_by={}, at=at("07:00"))


def stops(db: Connection, version: int) -> dict[str, tuple[str, ...]]:
    return {v: r.stops for v, r in plans.get(db, DEPOT, DAY, version).routes.items()}


@pytest.fixture
def db(record: Connection) -> Connection:
    a_depot(record)
    return record


def test_a_plan_reads_back_as_it_was_written(db: Connection) -> None:
    written = route("v1", "a", "b")
    version = plans.add(
        db, DEPOT, DAY, [written], parent=None, status="draft", made_by={"engine": "x"}, at=at("07:00"),
        unassigned=[{"stop": "c"}],
    )  # fmt: skip
    found = plans.get(db, DEPOT, DAY, version)
    assert found.routes == {"v1": written}
    assert (found.unassigned, found.made_by, found.cost) == (({"stop": "c"},), {"engine": "x"}, 100)
    assert (found.vehicle_of("b"), found.vehicle_of("c")) == ("v1", None)


def test_there_is_no_current_plan_before_one_is_published(db: Connection) -> None:
    add(db, [route("v1", "a")], status="draft")
    assert plans.current(db, DEPOT, DAY) is None
    assert plans.newest(db, DEPOT, DAY) == 1


def test_a_version_stores_only_what_it_changes_and_reads_whole(db: Connection) -> None:
    first = add(db, [route("v1", "a", "b"), route("v2", "c", cost=50)])
    second = add(db, [route("v2", "c", "b", cost=70)], parent=first)
    assert stops(db, second) == {"v1": ("a", "b"), "v2": ("c", "b")}
    assert plans.get(db, DEPOT, DAY, second).cost == 170


def test_an_old_version_stays_as_it_was(db: Connection) -> None:
    first = add(db, [route("v1", "a"), route("v2", "b")])
    add(db, [route("v1", "a", "b")], parent=first)
    assert stops(db, first) == {"v1": ("a",), "v2": ("b",)}


def test_drafts_stand_beside_the_plan_and_do_not_show_through(db: Connection) -> None:
    first = add(db, [route("v1", "a")])
    draft = add(db, [route("v1", "x"), route("v9", "y")], parent=first, status="draft")
    third = add(db, [route("v2", "b")], parent=first)
    assert stops(db, draft) == {"v1": ("x",), "v9": ("y",)}, "a draft is whole by itself"
    assert stops(db, third) == {"v1": ("a",), "v2": ("b",)}
    assert plans.current_version(db, DEPOT, DAY) == third


def test_a_published_draft_becomes_the_plan(db: Connection) -> None:
    first = add(db, [route("v1", "a")])
    draft = add(db, [route("v1", "b", "a")], parent=first, status="draft")
    plans.publish(db, plans.get(db, DEPOT, DAY, draft), "dec_1")
    current = plans.current(db, DEPOT, DAY)
    assert current is not None
    assert (current.version, stops(db, draft)) == (draft, {"v1": ("b", "a")})


def test_a_draft_of_a_plan_that_has_moved_on_is_not_published(db: Connection) -> None:
    first = add(db, [route("v1", "a")])
    draft = add(db, [route("v1", "b")], parent=first, status="draft")
    add(db, [route("v1", "a", "c")], parent=first)
    with pytest.raises(Stale, match=f"since draft {draft}"):
        plans.publish(db, plans.get(db, DEPOT, DAY, draft), "dec_1")


def test_of_two_drafts_of_one_plan_only_the_first_is_published(db: Connection) -> None:
    one, two = (plans.get(db, DEPOT, DAY, add(db, [route("v1", s)], status="draft")) for s in ("a", "b"))
    plans.publish(db, one, "dec_1")
    with pytest.raises(Stale):
        plans.publish(db, two, "dec_2")


def test_a_change_to_an_old_version_is_refused(db: Connection) -> None:
    first = add(db, [route("v1", "a")])
    add(db, [route("v1", "b")], parent=first)
    with pytest.raises(Stale, match=f"from version {first}"):
        add(db, [route("v1", "c")], parent=first)


def test_two_changes_at_once_to_one_plan_leave_one_winner(living: Living) -> None:
    with store.transaction() as db:
        a_depot(db)
        first = add(db, [route("v1", "a"), route("v2", "b")])
    gate, came = threading.Barrier(2), []

    def change(vehicle: str) -> None:
        try:
            with store.transaction() as db:
                gate.wait()
                add(db, [route(vehicle, "c")], parent=first)
            came.append("written")
        except Stale:
            came.append("stale")

    threads = [threading.Thread(target=change, args=(vehicle,)) for vehicle in ("v1", "v2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(came) == ["stale", "written"]
    with store.transaction() as db:
        assert plans.current_version(db, DEPOT, DAY) == first + 1


def test_the_digest_is_of_what_drivers_are_told_and_not_of_the_times() -> None:
    told = route("v1", "a", "b")
    assert route("v1", "a", "b", from_time="09:00", cost=999).digest == told.digest
    assert route("v1", "b", "a").digest != told.digest, "another order"
    assert route("v2", "a", "b").digest != told.digest, "another van"
    assert route("v1", "a").digest != told.digest, "a stop less"


def test_the_digest_of_a_plan_changes_with_any_route() -> None:
    plan = {"v1": route("v1", "a"), "v2": route("v2", "b")}
    assert plans.digest_of(plan) == plans.digest_of(dict(reversed(plan.items())))
    assert plans.digest_of(plan | {"v2": route("v2", "c")}) != plans.digest_of(plan)


def test_days_and_depots_count_their_versions_apart(db: Connection) -> None:
    a_depot(db, "dep2")
    add(db, [route("v1", "a")])
    other = plans.add(db, "dep2", DAY, [route("v8", "z")], parent=None, status="published", made_by={}, at=at("07:00"))
    assert other == 1
    assert plans.current(db, DEPOT, DAY + timedelta(days=1)) is None


def test_an_unknown_version_is_said_to_be_unknown(db: Connection) -> None:
    with pytest.raises(NotFound, match="no plan 7"):
        plans.get(db, DEPOT, DAY, 7)


# What a process remembers


def test_what_has_changed_since_is_the_plan_as_it_is(db: Connection) -> None:
    add(db, [route("v1", "a", "b"), route("v2", "c")])
    first = plans.current(db, DEPOT, DAY)
    assert first is not None
    assert plans.since(db, first) is first
    add(db, [route("v2", "c", "d")], parent=1)
    add(db, [route("v3", "e", cost=7)], parent=2)
    now = plans.since(db, first)
    assert now == plans.get(db, DEPOT, DAY, 3) == plans.current(db, DEPOT, DAY)
    assert now is not None
    assert now.digest == plans.get(db, DEPOT, DAY, 3).digest
    assert now.routes["v1"] is first.routes["v1"]


def test_what_was_never_committed_is_not_remembered(db: Connection) -> None:
    add(db, [route("v1", "a")])
    undone = db.begin_nested()
    add(db, [route("v1", "a", "b")], parent=1)
    assert plans.current(db, DEPOT, DAY) == plans.get(db, DEPOT, DAY, 2)
    undone.rollback()
    assert plans.current(db, DEPOT, DAY) == plans.get(db, DEPOT, DAY, 1)
    add(db, [route("v1", "a", "c")], parent=1)
    assert plans.current(db, DEPOT, DAY) == plans.get(db, DEPOT, DAY, 2)
