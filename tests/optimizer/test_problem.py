from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.errors import BadInput
from optimizer.problem import Problem, Stop, with_routes, without_stop
from tests.optimizer.a_problem import problem, road, stop, van


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        pytest.param({"v9": ("s1",)}, "unknown vehicles", id="a route needs its van"),
        pytest.param({"v1": ("s9",)}, "unknown stops", id="a route of stops that are not open"),
        pytest.param({"v1": ("s1", "s1")}, "twice on one", id="nobody is served twice"),
        pytest.param({"v1": ("s1",), "v2": ("s1",)}, "on two routes", id="one van a stop"),
    ],
)
def test_routes_that_do_not_fit_are_refused(routes: dict[str, tuple[str, ...]], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        problem(road(3), [stop(1), stop(2)], [van("v1"), van("v2")], routes)
    assert caught.value.field == "routes"


def test_two_stops_or_vehicles_with_one_id_are_refused() -> None:
    with pytest.raises(BadInput, match="two stops"):
        problem(road(3), [stop(1), stop(2, name="s1")])
    with pytest.raises(BadInput, match="two vehicles"):
        problem(road(3), [stop(1)], [van(), van()])


@pytest.mark.parametrize(
    "windows",
    [
        pytest.param(((200, 100),), id="closes before it opens"),
        pytest.param(((300, 400), (100, 200)), id="not in order"),
        pytest.param(((100, 300), (200, 400)), id="overlapping"),
    ],
)
def test_windows_are_sorted_and_apart(windows: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(BadInput, match="windows of s1"):
        stop(1, windows=windows)


def test_negative_figures_are_refused() -> None:
    with pytest.raises(BadInput, match="negative demand"):
        stop(1, demand=(-1,))
    with pytest.raises(ValidationError):
        Stop(id="s", location=0, service_s=-1)


def test_a_stop_is_late_after_its_promise_and_without_one_after_its_last_window() -> None:
    windows = ((100, 200), (300, 400))
    assert stop(1, windows=windows, due_s=350).deadline_s == 350
    assert stop(1, windows=windows).deadline_s == 400
    assert stop(1).deadline_s is None


def live() -> Problem:
    stops = [stop(1), stop(2), stop(3)]
    return problem(road(4), stops, [van(locked=1, first_leg_s=120)], {"v1": ("s1", "s2", "s3")})


def test_a_locked_stop_that_is_gone_unlocks_the_van_and_forgets_its_live_leg() -> None:
    after = without_stop(live(), "s1")
    assert after.routes == {"v1": ("s2", "s3")}
    assert (after.vehicle("v1").locked, after.vehicle("v1").first_leg_s) == (0, None)
    assert [s.id for s in after.stops] == ["s2", "s3"]


def test_a_later_stop_that_is_gone_leaves_the_lock_alone() -> None:
    after = without_stop(live(), "s3")
    assert after.routes == {"v1": ("s1", "s2")}
    assert (after.vehicle("v1").locked, after.vehicle("v1").first_leg_s) == (1, 120)


def test_changed_routes_are_validated_again() -> None:
    assert with_routes(live(), {"v1": ("s1", "s3", "s2")}).place_of("s2") == ("v1", 2)
    with pytest.raises(BadInput, match="unknown stops"):
        with_routes(live(), {"v1": ("s7",)})


def test_names_that_the_problem_does_not_know_are_refused() -> None:
    with pytest.raises(BadInput, match="no stop s9"):
        live().stop("s9")
    with pytest.raises(BadInput, match="no vehicle v9"):
        live().vehicle("v9")
    assert live().place_of("s9") is None
