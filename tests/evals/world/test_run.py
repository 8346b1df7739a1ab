from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from evals.fake_api import PLAIN, FakeApi
from evals.wire import OrderRow, Plan
from evals.world.rates import Rates
from evals.world.result import DayResult
from evals.world.run import Pace, Progress, Speed, p95_ms, run, slack
from evals.world.scenario import Scenario
from evals.world.synthetic import synthetic
from optimizer.figures import Figures

SMALL = synthetic(7, orders=10, vans=2)


def a_day(scenario: Scenario = SMALL, api: FakeApi | None = None, **asked: Any) -> tuple[FakeApi, DayResult]:
    api = api or FakeApi(scenario.start)
    return api, run(api.client(), scenario, **asked)


def test_a_day_of_ten_orders_ends_with_every_van_home_and_every_order_final() -> None:
    api, result = a_day()
    assert {order["status"] for order in api.orders.values()} <= {"delivered", "returned", "rescheduled"}
    assert result.delivered >= 9
    assert result.seen.vans_home == result.seen.vans_out == 2
    assert result.seen.rejected == {}
    assert result.seen.positions_taken == result.seen.positions_sent > 100


def test_what_is_sent_is_in_the_order_it_happened_and_never_from_the_future() -> None:
    class Watching(FakeApi):
        def _route(self, request: Any) -> Any:
            answer = super()._route(request)
            for event in list(self.events.values())[len(seen) :]:
                seen.append(event["at"])
                assert timedelta(0) <= datetime.fromisoformat(event["at"]) - self.now <= timedelta(minutes=1)
            return answer

    seen: list[str] = []
    a_day(synthetic(7, orders=60, vans=4), Watching(SMALL.start))
    assert len(seen) > 100
    assert seen == sorted(seen)


def test_a_van_late_at_the_dock_opens_a_case_in_the_first_hour() -> None:
    api, result = a_day(synthetic(7, orders=60, vans=4))
    opened = [datetime.fromisoformat(c["opened_at"]) for c in api.cases.values() if c["kind"] == "predicted_late"]
    assert min(opened) <= SMALL.start + timedelta(hours=1)
    assert result.seen.dock_delays_min
    assert result.seen.verdicts


def test_the_servers_restarts_change_nothing() -> None:
    calm, _ = a_day()
    rough = FakeApi(SMALL.start)
    troubles = ["refuses", "503", "dies_after"]

    def stumble(progress: Progress) -> None:
        if progress.now is not None:
            rough.trouble.append(troubles[len(rough.log) % 3])  # type: ignore[arg-type]

    a_day(api=rough, on_progress=stumble)
    assert Counter(order["status"] for order in rough.orders.values()) == Counter(
        order["status"] for order in calm.orders.values()
    )
    assert set(rough.events) == set(calm.events)


def test_every_write_may_die_once_after_it_was_done() -> None:
    calm, _ = a_day()

    met: set[bytes] = set()

    class Dying(FakeApi):
        def handle(self, request: Any) -> Any:
            writes = request.url.path in ("/api/events", "/api/admin/clock", "/api/positions")
            if writes and request.content not in met:
                met.add(request.content)
                self.trouble.extend(["dies_after", "refuses"])
            return super().handle(request)

    dying = Dying(SMALL.start)
    a_day(api=dying)
    assert dying.events == calm.events
    assert dying.log == calm.log


def test_a_day_cut_off_goes_on_where_the_server_stands() -> None:
    city = synthetic(7, orders=60, vans=4)
    api, cut = a_day(city, until=city.start + timedelta(hours=3))
    assert api.now == city.start + timedelta(hours=3)
    assert 0 < cut.delivered < 60
    _, rest = a_day(city, api)
    assert {order["status"] for order in api.orders.values()} <= {"delivered", "returned", "rescheduled"}
    assert rest.seen.rejected == {}
    assert sum(order["status"] == "delivered" for order in api.orders.values()) == cut.delivered + rest.delivered


def test_a_minute_costs_few_calls() -> None:
    city = synthetic(7, orders=60, vans=4)
    api, result = a_day(city)
    assert sum(api.calls.values()) < 5.5 * result.ticks
    assert api.calls["GET /api/driver/route"] < 4 * 60 + 100


def test_progress_is_told_with_the_simulated_time() -> None:
    told: list[Progress] = []
    a_day(on_progress=told.append)
    times = [progress.now for progress in told if progress.now]
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(hours=10)
    assert told[-1].delivered >= 9


class Wall:
    """A clock on the wall that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def read(self) -> float:
        return self.now


def paced(api: FakeApi, wall: Wall, speed: Speed) -> Pace:
    return Pace(api.client(), speed, wall=wall.read, sleep=wall.sleep)


def test_at_sixty_a_minute_takes_a_second() -> None:
    wall = Wall()
    pace = paced(FakeApi(SMALL.start), wall, 60.0)
    for tick in range(10):
        pace.wait(60 * tick)
    assert wall.now == pytest.approx(109.0)


def test_at_max_nobody_sleeps_or_asks_for_the_time() -> None:
    wall, api = Wall(), FakeApi(SMALL.start)
    paced(api, wall, "max").wait(60)
    assert wall.slept == []
    assert not api.calls


def test_a_paused_day_stands_still_and_goes_on_at_the_same_pace() -> None:
    wall, api = Wall(), FakeApi(SMALL.start)
    pace = paced(api, wall, 60.0)
    pace.wait(0)
    api.paused = True
    resume_at = wall.now + 30
    sleep = wall.sleep

    def sleep_then_resume(seconds: float) -> None:
        sleep(seconds)
        api.paused = wall.now < resume_at

    pace.sleep = sleep_then_resume
    pace.wait(60)
    assert wall.now == pytest.approx(resume_at)
    pace.wait(120)
    assert wall.now == pytest.approx(resume_at + 1)


def test_time_lost_to_a_slow_server_is_not_made_up_in_a_rush() -> None:
    wall = Wall()
    pace = paced(FakeApi(SMALL.start), wall, 60.0)
    pace.wait(0)
    wall.now += 45
    for tick in range(1, 4):
        pace.wait(60 * tick)
    assert wall.now == pytest.approx(100 + 45 + 2)


def test_slack_is_the_least_time_to_the_end_of_a_promise_in_the_first_hours() -> None:
    def stop(name: str, arrival: str) -> dict[str, Any]:
        at = f"2026-03-10T{arrival}:00Z"
        return {"stop": name, "orders": [name], "lat": 1, "lon": 1, "arrival": at, "departure": at}

    def route(vehicle: str, *stops: dict[str, Any]) -> dict[str, Any]:
        span = {"start": "2026-03-10T07:00:00Z", "end": "2026-03-10T12:00:00Z"}
        return {
            "vehicle": vehicle,
            "digest": "",
            "cost": 1,
            "distance_m": 1,
            "driving_s": 1,
            "stops": stops,
            "figures": None,
            "breaks": (),
            **span,
        }

    routes = [
        route("v1", stop("a", "07:30"), stop("b", "08:30"), stop("d", "11:00")),
        route("v2", stop("c", "09:00")),
        route("v3"),
    ]
    figures = Figures().model_dump() | {"worked_percent": 0}
    known = {"version": 1, "digest": "d", "cost": 1, "published": True, "made_by": {}, "unassigned": []}
    plan = Plan.model_validate(known | {"routes": routes, "figures": figures})
    rows = [
        OrderRow.model_validate(
            PLAIN
            | {
                "id": id_,
                "ref": id_,
                "client": "shop",
                "person": "p",
                "depot": "d",
                "day": "2026-03-10",
                "stop": id_,
                "status": "planned",
                "promise": {"lo": "2026-03-10T07:00:00Z", "hi": f"2026-03-10T{hi}:00Z"},
            }
        )
        for id_, hi in (("a", "08:00"), ("b", "08:50"), ("d", "11:01"))
    ]
    assert slack([plan], rows) == {"v1": 1200, "v2": 3600}, (
        "a promise of later hours does not count; a van without one has an hour, one without stops none"
    )


def test_nineteen_of_twenty_took_no_longer() -> None:
    assert p95_ms([0.1] * 19 + [5.0]) == 100
    assert p95_ms([0.1] * 18 + [5.0] * 2) == 5000
    assert p95_ms([]) == 0


def test_a_day_in_which_everything_goes_wrong_twice_as_often_ends_all_the_same() -> None:
    city = synthetic(7, orders=60, vans=4).model_copy(update={"rates": Rates().times(2)})
    api, result = a_day(city)
    assert result.seen.live == {"taken": 10}
    assert len(result.seen.breakdowns_min) == 2
    assert result.seen.vans_home == result.seen.vans_out
    assert sum(result.seen.wishes.values()) >= 1
    assert len(api.orders) == 60
    assert all(order["status"] in ("delivered", "returned", "rescheduled", "failed") for order in api.orders.values())
    assert a_day(city)[1].seen.events == result.seen.events, "and is the same day again"
