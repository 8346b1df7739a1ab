"""Two drivers beside a broken van: one hands out, the other takes in, both scan."""

from __future__ import annotations

from typing import Any

from evals.world.day import Day
from evals.world.driver import Van
from evals.world.incidents import Breakdown, Incidents
from tests.evals.world.test_driver import BOTH, SHIFT, route, row, scenario, stop


def two_vans() -> tuple[Van, Van]:
    """One that breaks down for an hour as soon as it is on the road, one that is called to it."""
    one = scenario()
    other = one.vehicles[0].model_copy(update={"id": "van-02", "driver": "drv-02"})
    city = one.model_copy(update={"vehicles": (*one.vehicles, other)})
    trouble = Incidents(breakdowns={"van-01": Breakdown(after_s=30, stands_s=3600, known=False)})
    day = Day.of(city, trouble, [row(known) for known in city.orders])
    broken, rescuer = (Van.at_depot(vehicle, day) for vehicle in city.vehicles)
    for van in (broken, rescuer):
        day.vans[van.vehicle.id], van.there = van, True
    return broken, rescuer


def test_a_driver_takes_the_goods_of_a_broken_van_over_and_both_scan() -> None:
    broken, rescuer = two_vans()
    meeting = stop("brk_1:van-02", 50.005, ["A-1", "A-2", "A-3"]).model_copy(update={"giver": "van-01"})
    events: list[dict[str, Any]] = []
    for tick in range(8 * 60):
        now = SHIFT - 1800 + 60 * tick
        met = rescuer.rescued > 0
        waits = broken.state == "broken" and not met
        shown = route(*(() if broken.broken_at else BOTH.stops)).model_copy(
            update={"handovers": ("brk_1:van-02",) if waits else ()}
        )
        comes = route(*((meeting,) if waits else BOTH.stops if met else ()), departed=met)
        for van, phone in ((broken, shown), (rescuer, comes)):
            if van.looks(now + 60):
                van.hear(phone, now)
            events += van.until(now + 60)
    of = {
        van: [e["kind"].removeprefix("driver.") for e in events if e["vehicle"] == van] for van in ("van-01", "van-02")
    }
    assert of["van-01"] == ["loaded", "departed", "breakdown", "gave", "repaired", "finished"]
    assert of["van-02"][-8:] == [
        "arrived",
        "took",
        "arrived",
        "delivered",
        "delivered",
        "arrived",
        "delivered",
        "finished",
    ]
    gave, took = (next(e for e in events if e["kind"] == f"driver.{kind}") for kind in ("gave", "took"))
    assert gave["data"] == took["data"]
    assert sorted(gave["data"]["orders"]) == ["ord_A-1", "ord_A-2", "ord_A-3"]
    assert broken.aboard == {}


def test_who_leaves_for_a_broken_van_loads_nothing_that_is_on_it() -> None:
    _, rescuer = two_vans()
    meeting = stop("brk_1:van-02", 50.005, ["A-1", "A-2"]).model_copy(update={"giver": "van-01"})
    comes = route(meeting, stop("s1", 50.01, ["A-1", "A-2"]), stop("s2", 50.02, ["A-3"]))
    events: list[dict[str, Any]] = []
    for tick in range(40):
        now = SHIFT - 1800 + 60 * tick
        if rescuer.looks(now + 60):
            rescuer.hear(comes, now)
        events += rescuer.until(now + 60)
    assert [e["data"]["orders"] for e in events if e["kind"] == "driver.loaded"] == [["ord_A-3"]]
