from __future__ import annotations

import pytest

from optimizer.problem import Problem, Stop, Vehicle
from optimizer.reasons import REASONS, explain_unassigned
from optimizer.schedule import Schedule
from optimizer.travel import Matrix
from tests.optimizer.a_problem import HOUR, problem, road, stop, van

EIGHT = 8 * HOUR
ROAD = road(5)


def explained(matrix: Matrix, day: Problem, subject: Stop) -> tuple[str, str]:
    schedule = Schedule(day, matrix)
    routes = [schedule.route(v, day.routes.get(v.id, ())) for v in day.vehicles]
    found = explain_unassigned(day, matrix, subject, routes)
    return found.reason, found.detail


@pytest.mark.parametrize(
    ("subject", "others", "vans", "held", "reason", "says"),
    [
        pytest.param(stop(1, aboard="v9"), [], [van()], (), "no_vehicle", "aboard v9", id="its van is not on duty"),
        pytest.param(stop(1, demand=(101,)), [], [van()], (), "too_big", "101, room for 100", id="too large"),
        pytest.param(
            stop(4, windows=((0, EIGHT + 600),)), [], [van(), van("v2", ready_s=EIGHT + 60)], (),
            "window_unreachable", "Earliest at 08:40, the last window closes at 08:10", id="too far for its window",
        ),
        pytest.param(
            stop(4), [], [van(shift_end_s=9 * HOUR)], (),
            "shift_too_short", "v1 ends at 09:25, its shift at 09:00", id="too far for a shift",
        ),
        pytest.param(stop(1), [], [van(max_stops=0)], (), "stop_limit", "0 is its limit", id="a van for nothing"),
        pytest.param(
            stop(1, demand=(60,)), [stop(2, demand=(60,))], [van()], ("s2",),
            "no_capacity_left", "none has room for 60", id="others fill the van",
        ),
        pytest.param(stop(1), [stop(2)], [van(max_stops=1)], ("s2",), "stop_limit", "number of stops", id="full list"),
        pytest.param(
            stop(1, windows=((0, EIGHT + 600),)), [stop(2, windows=((0, EIGHT + 1200),))], [van()], ("s2",),
            "no_time_left", "each breaks a time window", id="others take the time",
        ),
        pytest.param(
            stop(4, drop_penalty=50), [], [van()], (),
            "not_worth_it", "It would cost 101.00 USD, leaving it out costs 0.50 USD", id="dearer than its penalty",
        ),
    ],
)  # fmt: skip
def test_each_cause_is_told_apart_with_its_figures(
    subject: Stop, others: list[Stop], vans: list[Vehicle], held: tuple[str, ...], reason: str, says: str
) -> None:
    day = problem(ROAD, [subject, *others], vans, {"v1": held})
    found, detail = explained(ROAD, day, subject)
    assert found == reason
    assert says in detail
    assert found in REASONS


def test_without_any_vehicle_nothing_can_be_planned() -> None:
    day = Problem(matrix=ROAD.hash, stops=(stop(1),), vehicles=())
    assert explained(ROAD, day, day.stops[0]) == ("no_vehicle", "There is no vehicle.")


def test_a_van_that_is_under_way_full_is_not_too_small() -> None:
    subject = stop(1, demand=(60,))
    day = problem(ROAD, [subject, stop(2, demand=(60,))], [van(locked=1)], {"v1": ("s2",)})
    assert explained(ROAD, day, subject)[0] == "no_capacity_left"


def test_every_reason_is_one_sentence() -> None:
    assert all(text.endswith(".") and text[0].isupper() for text in REASONS.values())
