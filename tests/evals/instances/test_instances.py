"""Readers of published instances: small ones of our own in each format, and the real files with their solutions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import BadFile, NotFound
from evals import instances
from evals.instances import text, vrplib
from evals.instances.instance import UNSERVED, Instance
from optimizer.checker import check
from optimizer.insertion import assemble
from optimizer.problem import Plan
from optimizer.schedule import Schedule

SOLOMON = """T1

VEHICLE
NUMBER     CAPACITY
   2          10

CUSTOMER
CUST NO.  XCOORD.  YCOORD.  DEMAND  READY TIME  DUE DATE  SERVICE TIME

    0       0       0        0        0         100         0
    1       3       4        4       10          20         5
    2       1       1        6        0          90         5
"""
LILIM = """2\t10\t1
0\t0\t0\t0\t0\t100\t0\t0\t0
1\t3\t4\t7\t10\t20\t5\t0\t2
2\t1\t1\t-7\t0\t90\t5\t1\t0
"""
VRPTW = """NAME : T2
TYPE : VRPTW
DIMENSION : 3
VEHICLES : 2
CAPACITY : 10
SERVICE_TIME : 5
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 3 4
3 1 1
DEMAND_SECTION
1 0
2 4
3 6
TIME_WINDOW_SECTION
1 0 100
2 10 20
3 0 90
DEPOT_SECTION
1
-1
EOF
"""


def written(tmp_path: Path, content: str, name: str = "t.vrp") -> Path:
    file = tmp_path / name
    file.write_text(content)
    return file


@pytest.mark.parametrize("form", ["solomon", "vrplib"])
def test_both_formats_of_time_windows_say_the_same(tmp_path: Path, form: str) -> None:
    file = written(tmp_path, SOLOMON if form == "solomon" else VRPTW)
    found = text.solomon(file) if form == "solomon" else vrplib.read(file)
    one, two = found.problem.stops

    assert (one.service_s, one.windows, one.demand, one.drop_penalty) == (50, ((100, 200),), (4,), UNSERVED)
    assert found.matrix.durations_s.tolist() == [[0, 50, 14], [50, 0, 36], [14, 36, 0]], "ten times, cut off"
    assert [(v.ready_s, v.shift_end_s, v.capacity) for v in found.problem.vehicles] == [(0, 1000, (10,))] * 2
    assert Schedule(found.problem, found.matrix).cost(found.problem.vehicles[0], (one.id, two.id)) == 100


def test_what_is_fetched_is_brought_by_the_same_van(tmp_path: Path) -> None:
    first, then = text.lilim(written(tmp_path, LILIM)).problem.stops

    assert (first.pickup, first.demand, first.after) == ((7,), (), None)
    assert (then.demand, then.pickup, then.after) == ((7,), (), "1")


def test_without_windows_lengths_are_rounded_and_there_are_vans_enough(tmp_path: Path) -> None:
    content = VRPTW.replace("VRPTW", "CVRP").replace("VEHICLES : 2\n", "").replace("SERVICE_TIME : 5\n", "")
    at = content.index("TIME_WINDOW_SECTION")
    found = vrplib.read(written(tmp_path, content[:at] + content[content.index("DEPOT_SECTION") :]))

    assert found.matrix.durations_s.tolist() == [[0, 5, 1], [5, 0, 4], [1, 4, 0]]
    assert len(found.problem.vehicles) == 12, "half as many again as one, and ten"
    assert all(not stop.windows for stop in found.problem.stops)


def test_a_mixed_fleet_has_a_price_a_van_and_several_depots_a_place(tmp_path: Path) -> None:
    sections = "VEHICLES_UNIT_DISTANCE_COST_SECTION\n1 100\n2 150\nCAPACITY_SECTION\n1 5\n2 10\n"
    sections += "VEHICLES_FIXED_COST_SECTION\n1 0\n2 700\n"
    mixed = vrplib.read(written(tmp_path, VRPTW.replace("VRPTW", "HFVRP").replace("DEPOT_SEC", sections + "DEPOT_SEC")))
    small, large = mixed.problem.vehicles
    assert (small.cost_per_km, large.cost_per_km, large.fixed_cost) == (1000, 1500, 7000)
    assert (small.capacity, large.capacity, mixed.matrix.durations_s[0, 1]) == ((5,), (10,), 5000)

    depots = VRPTW.replace("VRPTW", "MDVRPTW").replace("DEPOT_SECTION\n1\n", "DEPOT_SECTION\n1\n2\n")
    depots = depots.replace("EDGE_", "VEHICLES_MAX_DURATION : 44\nEDGE_")
    depots = depots.replace("DEPOT_SECTION", "VEHICLES_DEPOT_SECTION\n1 1\n2 2\nDEPOT_SECTION", 1)
    several = vrplib.read(written(tmp_path, depots))
    assert [(v.start, v.end, v.max_route_s) for v in several.problem.vehicles] == [(0, 0, 44_000), (1, 1, 44_000)]
    assert [stop.id for stop in several.problem.stops] == ["2"]


def test_an_optional_stop_costs_its_prize(tmp_path: Path) -> None:
    prizes = VRPTW.replace("VRPTW", "PCVRPTW").replace("DEPOT_SEC", "PRIZE_SECTION\n1 0\n2 21\n3 7\nDEPOT_SEC")
    assert [s.drop_penalty for s in vrplib.read(written(tmp_path, prizes)).problem.stops] == [210, 70]


@pytest.mark.parametrize(("content", "why"), [
    (VRPTW.replace("VRPTW", "TSP"), "a type that is not read"),
    (VRPTW.replace("3 1 1\n", ""), "a place too few"),
    (VRPTW.replace("DEPOT_SECTION\n1", "DEPOT_SECTION\n2"), "a depot that is not first"),
])  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(BadFile):
        vrplib.read(written(tmp_path, content))
    with pytest.raises(BadFile):
        text.solomon(written(tmp_path, "nothing"))


def test_a_pattern_that_fits_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing/"):
        list(instances.find(tmp_path, "nothing/*"))


REAL = [
    "vrptw_gh1000/C1_10_3", "vrptw_gh1000/R2_10_2", "cvrp_x/X-n502-k39", "cvrp_xxl/Leuven1", "hfvrp_x/X110-HD",
    "hfvrp_x/X331-FSMF", "mdvrptw/PR12A", "pcvrptw_gh1000/R1_10_5",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_the_best_known_solution_costs_what_it_says_and_breaks_nothing(shared_data: Path, name: str) -> None:
    """The literature's cost, from the literature's routes, by our pass and by the checker."""
    folder = shared_data / "vrp"
    if not (folder / "bks.json").is_file():
        pytest.skip(f"the instances are not here: no {folder}")
    found = instances.read(folder / f"{name}.vrp")
    routes, _ = vrplib.solution((folder / f"{name}.sol").read_text())
    plan = as_plan(found, vrplib.routed(found, routes))

    assert plan.cost == pytest.approx(found.best, abs=len(routes)), "each route is rounded to a whole unit"
    assert check(found.problem, found.matrix, plan) == ()


def as_plan(found: Instance, routes: dict[str, tuple[str, ...]]) -> Plan:
    left_out = {s.id for s in found.problem.stops} - {s for stops in routes.values() for s in stops}
    kept = found.problem.model_copy(update={"stops": tuple(s for s in found.problem.stops if s.id not in left_out)})
    plan = assemble(
        Schedule(kept, found.matrix), found.matrix, routes, engine="known", iterations=0, stopped_by="optimal"
    )
    unassigned = [{"stop_id": s, "reason": "not_worth_it", "detail": ""} for s in sorted(left_out)]
    penalty = sum(s.drop_penalty for s in found.problem.stops if s.id in left_out)
    return Plan.model_validate({**plan.model_dump(), "unassigned": unassigned, "cost": plan.cost + penalty})


def test_every_file_of_the_collection_is_read_with_what_is_best(shared_data: Path) -> None:
    folder = shared_data / "vrp"
    known = json.loads((folder / "bks.json").read_text())
    small = [path for path in instances.find(folder) if path.stat().st_size < 60_000]
    read = [instances.read(path) for path in small]

    assert len(read) > 35
    assert all(found.best for found in read), "every one has a best known cost"
    sizes = {f"{p.parent.name}/{p.name}": len(i.problem.stops) for p, i in zip(small, read, strict=True)}
    assert all(size == known[name].get("n", size) for name, size in sizes.items())
