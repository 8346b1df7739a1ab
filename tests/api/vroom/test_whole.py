"""VROOM's whole input at once: random problems with every key, judged in VROOM's own terms and by the checker; the
times of given routes against VROOM's own; large matrices without a second copy."""

from __future__ import annotations

import json
import random
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.vroom import given, optimize, routes
from api.vroom.question import Question
from api.vroom.solution import written
from api.vroom.timing import Moment, times
from optimizer import ortools_engine
from optimizer.checker import check
from tests.api.vroom.judge import Json, faults
from tests.api.vroom.test_solution import example

HOUR = 3600


def table(draw: random.Random, places: int, scale: int) -> list[list[int]]:
    at = [(draw.random(), draw.random()) for _ in range(places)]
    return [[round(scale * (abs(a - c) + abs(b - d))) for c, d in at] for a, b in at]


def door(draw: random.Random, number: int, places: int) -> Json:
    made: Json = {"id": number, "location_index": draw.randrange(1, places), "service": draw.randrange(0, 600)}
    if draw.random() < 0.4:
        made["setup"] = draw.randrange(0, 300)
    if draw.random() < 0.2:
        made |= {"setup_per_type": {"big": 500}, "service_per_type": {"big": 60, "old": 900}}
    if draw.random() < 0.5:
        edges = sorted(draw.sample(range(8 * HOUR), 4))
        made["time_windows"] = [edges[:2], edges[2:]] if draw.random() < 0.5 else [[edges[0], edges[3]]]
    return made


def vehicle(draw: random.Random, number: int, places: int, kind: str) -> Json:
    made: Json = {"id": number, "profile": kind, "type": draw.choice(["", "big", "old"]), "capacity": [8, 6]}
    made |= draw.choice([{"start_index": 0, "end_index": 0}, {"start_index": 1}, {"end_index": places - 1}])
    made["skills"] = draw.choice([[], [1], [1, 2]])
    opens = draw.randrange(0, HOUR)
    made["time_window"] = [opens, opens + draw.randrange(3 * HOUR, 9 * HOUR)]
    made["speed_factor"] = draw.choice([1.0, 0.8, 1.25])
    if kind != "tolled":
        made["costs"] = {"fixed": 50, "per_hour": draw.choice([3600, 1800, 1234]), "per_km": draw.choice([0, 200]),
                         "per_task_hour": draw.choice([0, 900])}  # fmt: skip
    for key, most in (("max_tasks", 5), ("max_travel_time", 5000), ("max_distance", 60_000)):
        if draw.random() < 0.3:
            made[key] = most
    if draw.random() < 0.5:
        made["breaks"] = [{"id": 7, "service": 600, "time_windows": [[HOUR, 2 * HOUR], [4 * HOUR, 5 * HOUR]],
                           **draw.choice([{}, {"max_load": [3, 6]}])}]  # fmt: skip
    return made


def a_problem(seed: int) -> Json:
    draw, places = random.Random(seed), 9
    jobs = []
    for number in range(draw.randrange(4, 10)):
        job = door(draw, number, places) | {"skills": draw.choice([[], [], [1]]), "priority": draw.choice([0, 0, 50])}
        jobs.append(
            job | draw.choice([{"delivery": [1, 2]}, {"pickup": [2, 0]}, {"delivery": [1, 1], "pickup": [1, 1]}])
        )
    shipments = [{"amount": [1, 1], "pickup": door(draw, number, places), "delivery": door(draw, number, places)}
                 for number in range(draw.randrange(0, 3))]  # fmt: skip
    matrices = {
        name: {"durations": table(draw, places, 2000), "distances": table(draw, places, 20_000)}
        for name in ("car", "bike", "tolled")
    }
    matrices["tolled"]["costs"] = table(draw, places, 900)
    fleet = [vehicle(draw, number, places, draw.choice(sorted(matrices))) for number in (1, 2, 3)]
    return {"vehicles": fleet, "jobs": jobs, "shipments": shipments, "matrices": matrices}


@pytest.mark.parametrize("seed", range(25))
def test_a_problem_with_every_key_is_solved_as_vroom_understands_it(seed: int) -> None:
    problem = a_problem(seed)
    question = Question(given.read(json.dumps(problem).encode()))
    plan = ortools_engine.solve(question.problem, question.matrix, iterations=8000)

    assert check(question.problem, question.matrix, plan) == ()
    answer = written(question, routes.of_plan(question, plan), {})
    assert faults(problem, answer) == []


@pytest.mark.parametrize("seed", [3, 4, 10, 15, 19, 22])
def test_our_own_engine_knows_every_price_and_limit_and_finds_no_dearer_plan(seed: int) -> None:
    problem = a_problem(seed)
    for vehicle in problem["vehicles"]:
        vehicle.pop("breaks", None)
    content = json.dumps(problem).encode()
    ours, theirs = optimize(content, engine="native"), optimize(content, engine="ortools")
    assert faults(problem, ours) == []
    assert ours["summary"]["unassigned"] <= theirs["summary"]["unassigned"]
    assert ours["summary"]["cost"] <= theirs["summary"]["cost"]


@pytest.mark.parametrize("seed", range(8))
def test_a_solution_given_back_as_steps_has_the_same_cost_and_violates_nothing(seed: int) -> None:
    problem = a_problem(seed)
    solved = optimize(json.dumps(problem).encode())
    steps = {route["vehicle"]: route["steps"] for route in solved["routes"]}
    again = [
        v | {"steps": [{k: step[k] for k in ("type", "id") if k in step} for step in steps.get(v["id"], [])]}
        for v in problem["vehicles"]
    ]
    checked = optimize(json.dumps({**problem, "vehicles": again}).encode(), times_only=True)

    assert checked["summary"]["violations"] == []
    assert checked["summary"]["cost"] == solved["summary"]["cost"]
    assert checked["summary"]["unassigned"] == solved["summary"]["unassigned"]
    assert faults(problem, checked) == []
    started = optimize(json.dumps({**problem, "vehicles": again}).encode())
    assert started["code"] == 0, started
    assert started["summary"]["unassigned"] <= solved["summary"]["unassigned"]


def with_recorded_legs(problem: Json, solution: Json) -> Json:
    """The example with a matrix of the legs that VROOM's solution drove; all others lead along those, either way."""
    places: dict[tuple[float, ...], int] = {}
    durations = np.full((12, 12), 10**6)
    for route in solution["routes"]:
        steps = [step for step in route["steps"] if "location" in step]
        for before, after in pairwise(steps):
            a, b = (places.setdefault(tuple(step["location"]), len(places)) for step in (before, after))
            durations[a, b] = after["duration"] - before["duration"]
    np.fill_diagonal(durations, 0)
    others = np.minimum(durations, durations.T)
    for via in range(len(others)):
        others = np.minimum(others, others[:, [via]] + others[via])
    durations = np.where(durations < 10**6, durations, others)

    def at(thing: Json, *names: str) -> Json:
        rows = {f"{name}_index": places[tuple(thing[name])] for name in names}
        return {k: v for k, v in thing.items() if k not in names} | rows

    return {
        "vehicles": [at(each, "start", "end") for each in problem["vehicles"]],
        "jobs": [at(each, "location") for each in problem["jobs"]],
        "shipments": [
            each | {name: at(each[name], "location") for name in ("pickup", "delivery")}
            for each in problem.get("shipments", [])
        ],
        "matrices": {"car": {"durations": durations.tolist()}},
    }


def recorded(shared_data: Path, number: int) -> tuple[Json, Json]:
    folder = shared_data / "vrp" / "vroom_api_examples"
    problem = json.loads(example(shared_data, f"example_{number}.json"))
    return problem, json.loads((folder / f"example_{number}_sol.json").read_text())


def test_vrooms_first_example_costs_no_more_than_vrooms_solution(shared_data: Path) -> None:
    problem, theirs = recorded(shared_data, 1)
    known = with_recorded_legs(problem, theirs)
    ours = optimize(json.dumps(known).encode())

    assert ours["summary"]["unassigned"] == 0
    assert ours["summary"]["cost"] <= theirs["summary"]["cost"] == 18711
    assert faults(known, ours) == []


def test_vrooms_third_example_has_vrooms_times_and_violations(shared_data: Path) -> None:
    problem, theirs = recorded(shared_data, 3)
    ours = optimize(json.dumps(with_recorded_legs(problem, theirs)).encode(), times_only=True)

    def seen(answer: Json) -> list[Any]:
        of_routes = [(route["vehicle"], route["cost"], by_cause(route)) for route in answer["routes"]]
        steps = [(step["type"], step.get("id"), step["arrival"], step["load"], by_cause(step))
                 for route in answer["routes"] for step in route["steps"]]  # fmt: skip
        return [by_cause(answer["summary"]), answer["summary"]["cost"], of_routes, steps]

    assert seen(ours) == seen(theirs)


def by_cause(thing: Json) -> dict[str, int]:
    return {each["cause"]: each.get("duration", 0) for each in thing["violations"]}


def checked(steps: list[Json], jobs: list[Json] | None = None, **more: Any) -> Json:
    line = [[abs(a - b) * 100 for b in range(5)] for a in range(5)]
    van = {"id": 1, "start_index": 0, "end_index": 0, "capacity": [3], "steps": steps, **more.pop("vehicle", {})}
    tables = {"durations": line, "distances": line}
    answer = optimize(
        json.dumps({"vehicles": [van], "jobs": jobs or [], "matrices": {"car": tables}, **more}).encode(),
        times_only=True,
    )
    assert answer["code"] == 0, answer
    return answer


def job(number: int, **more: Any) -> Json:
    return {"id": number, "location_index": number, **more}


VIOLATED: list[tuple[Json, list[Json], str, int]] = [
    ({"jobs": [job(1, delivery=[2]), job(2, delivery=[2])]}, [], "load", 0),
    ({"vehicle": {"max_tasks": 1}, "jobs": [job(1), job(2)]}, [], "max_tasks", 0),
    ({"vehicle": {"max_travel_time": 399}, "jobs": [job(1), job(2)]}, [], "max_travel_time", 0),
    ({"vehicle": {"max_distance": 399}, "jobs": [job(1), job(2)]}, [], "max_distance", 0),
    ({"jobs": [job(1), job(2, skills=[4])]}, [], "skills", 0),
    ({"vehicle": {"time_window": [0, 390]}, "jobs": [job(1), job(2)]}, [], "delay", 10),
    ({"vehicle": {"breaks": [{"id": 5}, {"id": 6}]}, "jobs": [job(1), job(2)]}, [{"type": "break", "id": 5}],
     "missing_break", 0),
    ({"vehicle": {"breaks": [{"id": 5, "max_load": [0]}]}, "jobs": [job(1, pickup=[1]), job(2)]},
     [{"type": "break", "id": 5}], "max_load", 0),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "rest", "cause", "seconds"), VIOLATED, ids=[row[2] for row in VIOLATED])
def test_what_a_given_route_violates_is_said_by_cause(
    problem: Json, rest: list[Json], cause: str, seconds: int
) -> None:
    steps: list[Json] = [{"type": "start"}, {"type": "job", "id": 1}, *rest, {"type": "job", "id": 2}, {"type": "end"}]
    answer = checked(steps, **problem)

    assert by_cause(answer["summary"]) == by_cause(answer["routes"][0]) == {cause: seconds}


def test_a_shipment_out_of_order_violates_precedence_at_the_end_that_is_wrong() -> None:
    ends = [{"pickup": job(3), "delivery": job(4), "amount": [1]}, {"pickup": job(1), "delivery": job(2)}]
    steps = [{"type": "delivery", "id": 4}, {"type": "pickup", "id": 3}, {"type": "pickup", "id": 1}]
    answer = checked(steps, shipments=ends)
    wrong = [(s["type"], s["id"]) for s in answer["routes"][0]["steps"] if by_cause(s).get("precedence") == 0]

    assert wrong == [("delivery", 4), ("pickup", 1)], "brought before it is fetched; fetched for nobody"
    assert [(left["type"], left["id"]) for left in answer["unassigned"]] == [("delivery", 2)]


def test_bounds_on_a_step_are_kept_where_windows_only_count() -> None:
    steps = [{"type": "job", "id": 1, "service_at": 777}, {"type": "job", "id": 2, "service_after": 2000}]
    answer = checked(steps, jobs=[job(1, time_windows=[[0, 700]]), job(2, time_windows=[[0, 1900]])])
    begun = [step["arrival"] + step["waiting_time"] for step in answer["routes"][0]["steps"]]

    assert begun[1:3] == [777, 2000]
    assert by_cause(answer["summary"]) == {"delay": 177}


def test_bounds_that_cannot_be_kept_are_an_input_error() -> None:
    steps = [{"type": "job", "id": 2, "service_at": 777}, {"type": "job", "id": 1, "service_before": 800}]
    van = {"id": 1, "start_index": 0, "steps": steps}
    tables = {"car": {"durations": [[0, 100, 200], [100, 0, 100], [200, 100, 0]]}}
    problem = {"vehicles": [van], "jobs": [job(1), job(2)], "matrices": tables}
    answer = optimize(json.dumps(problem).encode(), times_only=True)

    assert (answer["code"], answer["error"].split(": ")[0]) == (2, "vehicles[0].steps")


@pytest.mark.parametrize("seed", range(30))
def test_times_are_as_good_as_any(seed: int) -> None:
    """Against trying every time there is."""
    draw = random.Random(seed)
    moments = []
    for _ in range(4):
        edges = sorted(draw.sample(range(12), 4))
        windows: tuple[tuple[int, int], ...] = ((edges[0], edges[1]), (edges[2], edges[3]))
        moments.append(Moment(windows[: draw.randrange(3)], gap_s=draw.randrange(5)))
    found = times(moments)
    assert found is not None
    outside, begun = found

    def least(at: int, ready: int) -> int:
        if at == len(moments):
            return 0
        costs, first = [], ready + moments[at].gap_s
        for second in range(first, max(first, 12) + 1):
            away = min((max(lo - second, second - hi, 0) for lo, hi in moments[at].windows), default=0)
            costs.append(away + least(at + 1, second))
        return min(costs)

    assert outside == least(0, 0)
    assert all(b - a >= moments[n + 1].gap_s for n, (a, b) in enumerate(pairwise(begun)))


def test_a_large_matrix_is_held_once() -> None:
    rows = ",".join("[" + ",".join("0" if a == b else str(100_000 + b) for b in range(600)) + "]" for a in range(600))
    content = ('{"vehicles":[{"id":1,"start_index":0}],"matrices":{"car":{"durations":[' + rows + "]}}}").encode()
    tracemalloc.start()
    try:
        question = Question(given.read(content))
        assert question.matrix.size == 601
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1.4 * 601 * 601 * 4 + 300_000, "the numbers once, as 32 bits, beside the text"


def test_timestamps_are_small_to_the_engine_and_stay_timestamps_in_the_answer() -> None:
    problem = a_problem(4)
    later = json.loads(json.dumps(problem))
    year = 1_700_000_000
    doors = [*later["jobs"], *(s[end] for s in later["shipments"] for end in ("pickup", "delivery"))]
    for thing in [*doors, *(own for v in later["vehicles"] for own in v.get("breaks", []))]:
        thing["time_windows"] = [[lo + year, hi + year] for lo, hi in thing.get("time_windows", [])]
    for van in later["vehicles"]:
        van["time_window"] = [edge + year for edge in van["time_window"]]
    first, second = (optimize(json.dumps(each).encode()) for each in (problem, later))
    question = Question(given.read(json.dumps(later).encode()))

    assert max(v.shift_end_s for v in question.problem.vehicles) < 24 * HOUR
    assert faults(later, second) == []
    assert second["summary"]["cost"] == first["summary"]["cost"]
    arrivals = [[step["arrival"] for step in route["steps"]] for route in first["routes"]]
    assert [[step["arrival"] - year for step in route["steps"]] for route in second["routes"]] == arrivals
