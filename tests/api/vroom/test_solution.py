"""VROOM's output for VROOM's input: its own known answers, and figures that add up."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from api.vroom import optimize
from optimizer.plan import Engine
from optimizer.reasons import REASONS

HOME = [2.35044, 48.71764]
FIVE = [[abs(a - b) * 100 for b in range(5)] for a in range(5)]
"""seconds between five places on a line"""


def solved(
    jobs: list[dict[str, Any]], *vehicles: dict[str, Any], durations: list[list[int]] | None = None, **given: Any
) -> dict[str, Any]:
    fleet = [{"id": n, "start_index": 0, "end_index": 0, **vehicle} for n, vehicle in enumerate(vehicles or ({},), 1)]
    tables = {"car": {"durations": durations or FIVE, **given}}
    answer = optimize(json.dumps({"vehicles": fleet, "jobs": jobs, "matrices": tables}).encode())
    assert answer["code"] == 0, answer
    return answer


def job(id_: int, row: int, **more: Any) -> dict[str, Any]:
    return {"id": id_, "location_index": row, **more}


def route(answer: dict[str, Any], vehicle: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in answer["routes"] if each["vehicle"] == vehicle)
    return found


def visited(answer: dict[str, Any], vehicle: int = 1) -> list[int]:
    return [step["id"] for step in route(answer, vehicle)["steps"] if step["type"] == "job"]


def example(shared_data: Path, name: str) -> bytes:
    file = shared_data.parent / "contracts" / "vroom" / name
    if not file.is_file():
        pytest.skip(f"VROOM's examples are not here: no {file}")
    return file.read_bytes()


@pytest.mark.parametrize("engine", ["native", "ortools"])
def test_vrooms_example_with_a_matrix_has_vrooms_answer(shared_data: Path, engine: Engine) -> None:
    theirs = json.loads(example(shared_data, "example_2_sol.json"))
    assert optimize(example(shared_data, "example_2.json"), engine=engine) == theirs


def test_vrooms_first_example_has_vrooms_routes_with_shipment_and_break(shared_data: Path) -> None:
    answer = optimize(example(shared_data, "example_1.json"))

    assert answer["summary"]["unassigned"] == 0
    theirs = json.loads(example(shared_data, "example_1_sol.json"))
    assert [_order(each) for each in answer["routes"]] == [_order(each) for each in theirs["routes"]]
    for each in answer["routes"]:
        for step in each["steps"]:
            assert min(step["load"]) >= 0
            assert max(step["load"]) <= 4
    [rest] = [step for each in answer["routes"] for step in each["steps"] if step["type"] == "break"]
    assert 1600423200 <= rest["arrival"] + rest["waiting_time"] <= 1600425000
    steps = {step["id"]: step for each in answer["routes"] for step in each["steps"] if step["type"] == "job"}
    assert set(steps) == {1, 2, 5, 6}
    assert {1, 2} <= set(visited(answer)), "only vehicle 1 has their skill"
    first = steps[1]
    assert 1600419600 <= first["arrival"] + first["waiting_time"] <= 1600423200, "timestamps stay timestamps"


def _order(route: dict[str, Any]) -> tuple[int, set[tuple[str, int]]]:
    return route["vehicle"], {(step["type"], step["id"]) for step in route["steps"] if "id" in step}


def test_a_shipment_is_fetched_before_it_is_brought_and_fills_the_van_in_between() -> None:
    ends = [{"pickup": {"id": n, "location_index": 4 - n}, "delivery": {"id": n, "location_index": n}, "amount": [2]}
            for n in (1, 2)]  # fmt: skip
    tables = {"matrices": {"car": {"durations": FIVE}}, "shipments": ends}
    for capacity, most in ((4, 4), (2, 2)):
        fleet = [{"id": 1, "start_index": 0, "end_index": 0, "capacity": [capacity]}]
        answer = optimize(json.dumps({"vehicles": fleet, **tables}).encode())
        steps = [(s["type"], s["id"]) for s in route(answer)["steps"] if "id" in s]
        assert all(steps.index(("pickup", n)) < steps.index(("delivery", n)) for n in (1, 2))
        assert max(step["load"][0] for step in route(answer)["steps"]) <= most
        assert (answer["summary"]["delivery"], answer["summary"]["pickup"]) == ([4], [4])


def test_a_shipment_that_no_van_can_carry_is_left_out_with_both_its_ends() -> None:
    ends = [{"pickup": {"id": 7, "location_index": 1}, "delivery": {"id": 8, "location_index": 2}, "amount": [9]}]
    fleet = [{"id": 1, "start_index": 0, "capacity": [2]}]
    given = {"vehicles": fleet, "shipments": ends, "matrices": {"car": {"durations": FIVE}}}
    answer = optimize(json.dumps(given).encode())
    assert [(left["type"], left["id"]) for left in answer["unassigned"]] == [("pickup", 7), ("delivery", 8)]
    assert all("one vehicle" in left["reason"] for left in answer["unassigned"])


def test_a_break_is_taken_in_its_window_and_times_run_on_around_it() -> None:
    breaks = [{"id": 5, "service": 600, "time_windows": [[300, 400]], "description": "lunch"}]
    answer = solved([job(n, n, service=50) for n in (1, 2, 3, 4)], {"breaks": breaks, "time_window": [0, 9000]})
    steps = route(answer)["steps"]
    at = next(n for n, step in enumerate(steps) if step["type"] == "break")
    assert 300 <= steps[at]["arrival"] + steps[at]["waiting_time"] <= 400
    assert (steps[at]["id"], steps[at]["description"], steps[at]["service"]) == (5, "lunch", 600)
    assert steps[-1]["arrival"] == 800 + 4 * 50 + 600 + sum(step["waiting_time"] for step in steps)
    for before, after in pairwise(steps):
        driven = after["duration"] - before["duration"]
        assert after["arrival"] == before["arrival"] + before["waiting_time"] + before["service"] + driven


def test_a_faster_vehicle_takes_less_time_and_costs_less() -> None:
    quick = solved([job(1, 4)], {"speed_factor": 2.0})
    assert (route(quick)["duration"], route(quick)["cost"]) == (400, 400)
    both = solved([job(1, 4)], {}, {"speed_factor": 1.25})
    assert [each["vehicle"] for each in both["routes"]] == [2]


def test_two_of_three_vehicles_may_have_a_skill() -> None:
    jobs = [job(n, n, skills=[3], delivery=[1]) for n in (1, 2)]
    answer = solved(jobs, *({"skills": s, "capacity": [1]} for s in ([], [3], [3])))
    assert sorted(each["vehicle"] for each in answer["routes"]) == [2, 3]


def test_a_van_that_is_full_has_room_for_pickups_once_it_has_delivered() -> None:
    answer = solved([job(1, 1, delivery=[4]), job(2, 2, pickup=[4])], {"capacity": [4]})
    assert visited(answer) == [1, 2]


def test_the_shortest_way_is_found_and_the_figures_add_up() -> None:
    jobs = [job(n, row, service=10 * n) for n, row in ((1, 4), (2, 1), (3, 3), (4, 2))]

    answer = solved(jobs, {"costs": {"fixed": 50, "per_hour": 7200}}, distances=[[m * 3 for m in row] for row in FIVE])

    only = route(answer)
    assert only["duration"] == 800
    assert (only["cost"], only["service"], only["distance"]) == (50 + 1600, 100, 2400)
    assert answer["summary"]["cost"] == only["cost"]
    assert [step["type"] for step in only["steps"]] == ["start", "job", "job", "job", "job", "end"]
    for before, after in pairwise(only["steps"]):
        leg = FIVE[before["location_index"]][after["location_index"]]
        assert after["arrival"] == before["arrival"] + before["waiting_time"] + before["service"] + leg
        assert after["duration"] == before["duration"] + leg
        assert after["distance"] == before["distance"] + 3 * leg


def test_without_distances_none_are_told() -> None:
    answer = solved([job(1, 1)])

    assert "distance" not in answer["summary"]
    assert "distance" not in route(answer)["steps"][0]


def test_without_a_matrix_times_and_distances_are_estimated_from_places() -> None:
    problem = {
        "vehicles": [{"id": 1, "start": HOME, "description": "the red one"}],
        "jobs": [{"id": 5, "location": [2.28, 48.59], "description": "Ada"}],
    }
    answer = optimize(json.dumps(problem).encode())

    first, last = route(answer)["steps"]
    assert (first["location"], last["location"], last["description"]) == (HOME, [2.28, 48.59], "Ada")
    assert 14_000 < last["distance"] < 30_000
    assert last["arrival"] == last["duration"] > 600
    assert route(answer)["description"] == "the red one"


def test_a_vehicle_leaves_as_late_as_it_can_and_waits_only_where_it_must() -> None:
    jobs = [job(1, 1, time_windows=[[1000, 1200]]), job(2, 2, time_windows=[[5000, 6000]])]

    steps = route(solved(jobs, {"time_window": [0, 10_000]}))["steps"]

    assert [step["arrival"] for step in steps] == [1100, 1200, 1300, 5200]
    assert [step["waiting_time"] for step in steps] == [0, 0, 3700, 0]


def test_the_first_of_two_windows_is_used_when_the_second_is_not_needed() -> None:
    jobs = [job(1, 1, time_windows=[[0, 150], [900, 1000]]), job(2, 2, time_windows=[[600, 700]])]

    answer = solved(jobs, {"end_index": None, "time_window": [0, 5000]})

    begun = {s["id"]: s["arrival"] + s["waiting_time"] for s in route(answer)["steps"] if s["type"] == "job"}
    assert 0 <= begun[1] <= 150 or 900 <= begun[1] <= 1000
    assert 600 <= begun[2] <= 700


def test_a_route_without_an_end_ends_at_its_last_job_and_one_without_a_start_begins_at_its_first() -> None:
    jobs = [job(n, n) for n in (1, 2, 3, 4)]

    to = solved(jobs, {"end_index": None})
    fro = solved(jobs, {"start_index": None})

    assert (route(to)["steps"][-1]["type"], route(to)["duration"]) == ("job", 400)
    assert (route(fro)["steps"][0]["type"], route(fro)["duration"]) == ("job", 400)
    assert (visited(to), visited(fro)) == ([1, 2, 3, 4], [4, 3, 2, 1])


def test_loads_go_down_by_deliveries_and_up_by_pickups() -> None:
    jobs = [job(1, 1, delivery=[2, 1]), job(2, 2, pickup=[3, 0]), job(3, 3, delivery=[1, 0])]

    answer = solved(jobs, {"capacity": [6, 1], "end_index": None})

    steps = route(answer)["steps"]
    assert [step["load"] for step in steps] == [[3, 1], [1, 0], [4, 0], [3, 0]]
    assert (route(answer)["delivery"], answer["summary"]["pickup"]) == ([3, 1], [3, 0])


def test_what_no_vehicle_has_room_for_is_unassigned_with_the_reason() -> None:
    answer = solved([job(1, 1, delivery=[9]), job(2, 2, delivery=[1])], {"capacity": [4]})

    [left] = answer["unassigned"]
    assert (left["id"], left["type"], left["location_index"]) == (1, "job", 1)
    assert "larger than any vehicle" in left["reason"]
    assert (answer["summary"]["unassigned"], visited(answer)) == (1, [2])


def test_as_many_jobs_as_possible_are_served_whatever_it_costs() -> None:
    far = [[0, 100_000], [100_000, 0]]

    assert solved([job(1, 1)], durations=far)["summary"]["unassigned"] == 0


def test_where_not_all_fit_priority_decides() -> None:
    jobs = [job(n, 1 + n % 4, delivery=[1], priority=n % 3) for n in range(1, 7)]

    answer = solved(jobs, {"capacity": [2]})

    assert sorted(visited(answer)) == [2, 5], "the two of priority 2"
    assert answer["summary"]["priority"] == 4


def test_one_job_of_high_priority_outweighs_many_of_low_priority() -> None:
    jobs = [job(1, 4, delivery=[3], priority=4), *(job(n, 1, delivery=[1], priority=1) for n in (2, 3, 4))]

    assert visited(solved(jobs, {"capacity": [3]})) == [1]


def test_max_tasks_bounds_a_route() -> None:
    answer = solved([job(n, n) for n in (1, 2, 3, 4)], {"max_tasks": 1}, {"max_tasks": 2})

    assert sorted(len(visited(answer, vehicle)) for vehicle in (1, 2)) == [1, 2]
    assert answer["summary"]["unassigned"] == 1


def test_a_dear_vehicle_stays_at_home() -> None:
    answer = solved([job(1, 1), job(2, 2)], {"costs": {"fixed": 5000}}, {"costs": {"fixed": 10}})

    assert [each["vehicle"] for each in answer["routes"]] == [2]
    assert answer["summary"]["routes"] == 1


def test_a_skill_binds_a_job_to_the_vehicle_that_has_it() -> None:
    jobs = [job(1, 1, skills=[7]), job(2, 2, skills=[1]), job(3, 3, skills=[99])]

    answer = solved(jobs, {"skills": [1]}, {"skills": [1, 7], "costs": {"fixed": 900}})

    assert 1 in visited(answer, 2)
    assert [(left["id"], left["reason"]) for left in answer["unassigned"]] == [(3, REASONS["no_skill"])]


def test_a_problem_without_jobs_has_a_solution_without_routes() -> None:
    answer = solved([])

    assert (answer["routes"], answer["unassigned"], answer["summary"]["cost"]) == ([], [], 0)


def test_the_same_input_and_seed_give_the_same_solution() -> None:
    jobs = [job(n, 1 + n % 4, service=n) for n in range(12)]

    assert solved(jobs, {"max_tasks": 6}, {"max_tasks": 6}) == solved(jobs, {"max_tasks": 6}, {"max_tasks": 6})


def test_a_time_limit_ends_the_search() -> None:
    jobs = [{"id": n, "location": [2 + n / 100, 48 + n % 7 / 50]} for n in range(30)]
    problem = {"vehicles": [{"id": 1, "start": HOME, "end": HOME}], "jobs": jobs}

    answer = optimize(json.dumps(problem).encode(), seed=3, time_limit_s=0.3)

    assert len(visited(answer)) == 30


def test_a_price_that_cannot_be_counted_is_an_input_error() -> None:
    problem = {
        "vehicles": [{"id": 1, "start": HOME, "costs": {"fixed": 2**31 - 1, "per_hour": 1}}],
        "jobs": [{"id": 1, "location": HOME}],
    }
    answer = optimize(json.dumps(problem).encode())

    assert (answer["code"], "too large" in answer["error"]) == (2, True)
