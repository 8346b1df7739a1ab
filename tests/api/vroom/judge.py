"""An independent judge of a solution in VROOM's own terms: input and output as JSON, nothing of ours in between.

It walks every route with the given matrices and works out times, loads, costs and violations again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import floor
from typing import Any

Json = dict[str, Any]


def faults(given: Json, answer: Json) -> list[str]:
    """What does not hold or add up; of a solution that was solved for (not `-c`), with every constraint hard."""
    found = list(_once(given, answer))
    vehicles = {vehicle["id"]: vehicle for vehicle in given["vehicles"]}
    for route in answer["routes"]:
        found += [f"vehicle {route['vehicle']}: {fault}" for fault in _route(given, vehicles[route["vehicle"]], route)]
    for figure in ("cost", "setup", "service", "duration", "waiting_time", "priority"):
        if answer["summary"][figure] != sum(route[figure] for route in answer["routes"]):
            found.append(f"summary.{figure} is not the sum of the routes'")
    return found


def tasks(given: Json) -> dict[tuple[str, int], Json]:
    found = {("job", job["id"]): job for job in given.get("jobs", [])}
    for at, shipment in enumerate(given.get("shipments", [])):
        shared = {"skills": shipment.get("skills", []), "priority": shipment.get("priority", 0), "shipment": at}
        amount = shipment.get("amount", [])
        found["pickup", shipment["pickup"]["id"]] = {**shipment["pickup"], **shared, "pickup": amount}
        found["delivery", shipment["delivery"]["id"]] = {**shipment["delivery"], **shared, "delivery": amount}
    return found


def _once(given: Json, answer: Json) -> Iterator[str]:
    seen = [(step["type"], step["id"]) for route in answer["routes"] for step in route["steps"]
            if step["type"] in ("job", "pickup", "delivery")]  # fmt: skip
    seen += [(left["type"], left["id"]) for left in answer["unassigned"]]
    if sorted(seen) != sorted(tasks(given)):
        yield "not every task has exactly one place"


def _route(given: Json, vehicle: Json, route: Json) -> Iterator[str]:
    tables = given["matrices"][vehicle.get("profile", "car")]
    known, steps = tasks(given), route["steps"]
    done = [known[step["type"], step["id"]] for step in steps if (step["type"], step.get("id")) in known]
    yield from _loads(vehicle, steps, known)
    yield from _limits(vehicle, route, done)
    place, free, driven, metres, toll, worked = None, None, 0, 0, 0, 0
    for step in steps:
        at = step.get("location_index", place)
        if place is not None and at != place:
            factor = vehicle.get("speed_factor", 1)
            leg = floor(tables["durations"][place][at] / factor + 0.5)
            driven, toll = driven + leg, toll + tables.get("costs", tables["durations"])[place][at]
            metres += tables.get("distances", tables["durations"])[place][at]
        begins = step["arrival"] + step["waiting_time"]
        if step["type"] != "break" and step["duration"] != driven:
            yield f"{step['type']} {step.get('id')}: driven {step['duration']}, it is {driven}"
        task = known.get((step["type"], step.get("id", -1)))
        if task is not None:
            kind = vehicle.get("type", "")
            setup = 0 if at == place else task.get("setup_per_type", {}).get(kind, task.get("setup", 0))
            service = task.get("service_per_type", {}).get(kind, task.get("service", 0))
            if (step["setup"], step["service"]) != (setup, service):
                yield f"{step['type']} {step['id']}: takes {setup} + {service}"
            worked += setup + service
        windows = _windows(vehicle, step, task)
        if windows and not any(lo <= begins <= hi for lo, hi in windows):
            yield f"{step['type']} {step.get('id')} begins at {begins}, its windows are {windows}"
        if free is not None and step["arrival"] < free:
            yield f"{step['type']} is reached before the step behind it is done"
        if step["waiting_time"] < 0 or step["violations"]:
            yield f"{step['type']} waits {step['waiting_time']}, violates {step['violations']}"
        free, place = begins + step["setup"] + step["service"], at
    for before, after in pairwise(steps):
        leg = after["duration"] - before["duration"]
        if after["arrival"] != before["arrival"] + before["waiting_time"] + before["setup"] + before["service"] + leg:
            yield f"the times before {after['type']} {after.get('id')} do not run on"
    yield from _cost(vehicle, route, tables, (driven, metres, toll, worked))


def _cost(vehicle: Json, route: Json, tables: Json, figures: tuple[int, int, int, int]) -> Iterator[str]:
    driven, metres, toll, worked = figures
    costs = vehicle.get("costs", {})
    price = costs.get("fixed", 0) + costs.get("per_task_hour", 0) * worked / 3600
    if "costs" in tables:
        price += toll
    else:
        price += costs.get("per_hour", 3600) * driven / 3600 + costs.get("per_km", 0) * metres / 1000
    if abs(route["cost"] - price) > 0.5:
        yield f"costs {price}, not {route['cost']}"
    if "distances" in tables and route["distance"] != metres:
        yield f"is {metres} m long, not {route['distance']}"
    if driven > vehicle.get("max_travel_time", driven) or metres > vehicle.get("max_distance", metres):
        yield f"drives {driven} s and {metres} m"


def _windows(vehicle: Json, step: Json, task: Json | None) -> list[list[int]]:
    if task is not None:
        return task.get("time_windows", [])  # type: ignore[no-any-return]
    if step["type"] == "break":
        own = next(each for each in vehicle["breaks"] if each["id"] == step["id"])
        return own.get("time_windows", [])  # type: ignore[no-any-return]
    return [vehicle["time_window"]] if "time_window" in vehicle else []


def _loads(vehicle: Json, steps: list[Json], known: dict[tuple[str, int], Json]) -> Iterator[str]:
    size, room = len(vehicle.get("capacity", [])), vehicle.get("capacity", [])
    own = {each["id"]: each for each in vehicle.get("breaks", [])}
    load = [0] * size
    for step in steps:
        if step["type"] == "job":
            load = [n + d for n, d in zip(load, known["job", step["id"]].get("delivery", [0] * size), strict=True)]
    for step in steps:
        task = known.get((step["type"], step.get("id", -1)), {})
        off, on = task.get("delivery") or [0] * size, task.get("pickup") or [0] * size
        load = [n - d + p for n, d, p in zip(load, off, on, strict=True)]
        if (
            step.get("load", load) != load
            or any(n > most for n, most in zip(load, room, strict=True))
            or min([0, *load]) < 0
        ):
            yield f"{step['type']} {step.get('id')}: {load} aboard, room for {room}, said {step.get('load')}"
        most = own[step["id"]].get("max_load", load) if step["type"] == "break" else load
        if any(n > limit for n, limit in zip(load, most, strict=True)):
            yield f"break {step['id']} with {load} aboard"


def _limits(vehicle: Json, route: Json, done: list[Json]) -> Iterator[str]:
    if len(done) > vehicle.get("max_tasks", len(done)):
        yield f"{len(done)} tasks"
    if any(not set(task.get("skills", [])) <= set(vehicle.get("skills", [])) for task in done):
        yield "lacks a skill"
    if sum(task.get("priority", 0) for task in done) != route["priority"]:
        yield "priority does not add up"
    ends = [(task["shipment"], "pickup" in task) for task in done if "shipment" in task]
    for at in {each for each, _ in ends}:
        if [fetched for each, fetched in ends if each == at] != [True, False]:
            yield f"shipment {at} is not fetched and then brought"
