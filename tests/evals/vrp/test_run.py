"""The run over public instances: who is asked what, who judges, and what is written. The peers' packages are not needed
here: engines of the test stand in for them, and OR-Tools is ours anyway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import bench, instances
from evals.instances import text
from evals.instances.instance import Instance
from evals.vrp import run, tables
from evals.vrp.engines import ENGINES, ortools
from evals.vrp.found import Found, Judged, Unsupported, judged
from evals.vrp.plain import alike, refuse, window_of
from evals.vrp.run import Cell
from optimizer.problem import Break, Vehicle
from tests.evals.instances.test_instances import LILIM, SOLOMON, VRPTW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collection of three instances in the published layout."""
    for name, file, content in (
        ("vrptw_solomon100", "T1.txt", SOLOMON), ("pdptw_lilim100", "P1.txt", LILIM), ("vrptw_gh1000", "T2.vrp", VRPTW),
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(content)
    known = {"vrptw_gh1000/T2.vrp": {"bks_distance": 10.0}, "vrptw_solomon100/T1.txt": {"bks_distance": 10.0}}
    (tmp_path / "bks.json").write_text(json.dumps(known))
    return tmp_path


def first(folder: Path) -> Instance:
    return instances.read(folder / "vrptw_gh1000" / "T2.vrp")


def test_what_an_engine_found_is_worth_what_the_checker_counts(folder: Path) -> None:
    instance = first(folder)
    good = judged(instance, Found({"v1": ("1", "2")}), 1.0, 7)
    assert (good.cost, good.holds, instance.gap_percent(good.cost)) == (100, True, 0.0)

    late = judged(instance, Found({"v1": ("2", "1")}), 1.0, 7)
    assert (late.cost, late.violations) == (100, ()), "it waits for the window: as good the other way round"
    left = judged(instance, Found({"v1": ("1",)}), 1.0, 7)
    assert (left.unserved, left.holds) == (1, False)
    twice = judged(instance, Found({"v1": ("1", "2"), "v2": ("2",)}), 1.0, 7)
    assert [each.split(":")[0] for each in twice.violations] == ["twice 2"]


def test_our_engine_finds_the_best_of_a_small_one_and_tells_its_way(folder: Path) -> None:
    instance = first(folder)
    found = ortools(instance.problem, instance.matrix, 0.3, 1)
    verdict = judged(instance, found, 0.3, 1)

    assert (verdict.cost, verdict.holds) == (100, True)
    assert found.trajectory
    assert found.trajectory[-1][1] == 100


def test_each_engine_is_run_for_every_seed_in_a_process_of_its_own(folder: Path) -> None:
    path = folder / "vrptw_solomon100" / "T1.txt"
    [found] = run.column([(path, instances.read(path))], "ortools", 0.2, [1, 2])

    assert sorted(each.seed for each in found.runs) == [1, 2]
    assert [each.cost for each in found.sound] == [100, 100]


def test_what_an_engine_can_not_do_stands_in_its_cell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "vrptw_gh1000" / "T2.vrp"

    def refuses(*_: object) -> Found:
        raise Unsupported("time windows")

    monkeypatch.setitem(ENGINES, "other", refuses)
    assert run.one(str(path), "other", 0.1, 1) == "no time windows"
    monkeypatch.setitem(run.AT_MOST, "other", 1)
    [found] = run.column([(path, first(folder))], "other", 0.1, [1])
    assert found.why_not == "over 1 stops"


def test_a_run_that_ends_in_an_error_does_not_end_the_others(folder: Path) -> None:
    path = folder / "vrptw_solomon100" / "T1.txt"
    [found] = run.column([(path, instances.read(path))], "an engine that is not there", 0.1, [1])
    assert found.why_not == "failed: KeyError"


FOREIGN = [
    ({"breaks": (Break(id="b", duration_s=1, windows=((0, 1),)),)}, "breaks"),
    ({"end": None}, "open routes"),
    ({"cost_per_hour": 5}, "paid hours"),
    ({"speed_percent": 50}, "speeds"),
    ({"max_stops": 3}, "limits"),
    ({"max_route_s": 3}, "max_route_s"),
    ({"held": (1,)}, "vans on the road"),
]


@pytest.mark.parametrize(("has", "said"), FOREIGN, ids=[row[1] for row in FOREIGN])
def test_a_peer_is_not_asked_for_what_it_has_no_word_for(folder: Path, has: dict[str, object], said: str) -> None:
    problem = first(folder).problem
    refuse(problem, ())
    van = Vehicle.model_validate({**dict(problem.vehicles[0]), **has})
    with pytest.raises(Unsupported, match=said):
        refuse(problem.model_copy(update={"vehicles": (van,)}), ())


def test_pairs_and_optional_stops_are_for_who_supports_them(folder: Path, tmp_path: Path) -> None:
    pairs = text.lilim(folder / "pdptw_lilim100" / "P1.txt").problem
    refuse(pairs, {"pairs"})
    with pytest.raises(Unsupported, match="pairs"):
        refuse(pairs, ())
    cheap = pairs.stops[0].model_copy(update={"drop_penalty": 5})
    with pytest.raises(Unsupported, match="optional"):
        refuse(pairs.model_copy(update={"stops": (cheap, pairs.stops[1])}), {"pairs"})
    assert window_of(cheap) == cheap.windows[0]


def test_vans_that_differ_in_name_alone_are_one_type(folder: Path) -> None:
    problem = first(folder).problem
    other = problem.vehicles[1].model_copy(update={"fixed_cost": 5})
    assert [names for _, names in alike(problem)] == [["v1", "v2"]]
    mixed = problem.model_copy(update={"vehicles": (problem.vehicles[0], other)})
    assert [names for _, names in alike(mixed)] == [["v1"], ["v2"]]


def a_run(cost: int, seed: int = 1, **more: object) -> Judged:
    return Judged(cost, 0, (), 1.0, seed, **more)  # type: ignore[arg-type]


def test_the_table_shows_the_best_seed_the_noise_and_what_failed(folder: Path) -> None:
    instance = first(folder)
    cells = [
        Cell("g/T2", "a", (a_run(110), a_run(101, 2), a_run(105, 3))),
        Cell("g/T2", "b", (a_run(100),)),
        Cell("g/T2", "c", (Judged(9, 3, (), 1.0, 1),)),
        Cell("g/T2", "d", (Judged(9, 0, ("window 1: late",), 1.0, 1),)),
        Cell("g/T2", "e", why_not="no pairs"),
    ]
    told = tables.markdown([(instance, cells)], "abcde", 5, 3)
    row = next(line for line in told.splitlines() if line.startswith("| g/T2"))

    said = "| g/T2 | 2 | 10 | 1.00 % (1.00 / 5.00 / 10.00) | 0.00 % | 3 unserved | breaks window 1 | no pairs |"
    assert row == said
    assert "mean of 0 that all served" in told
    both = tables.markdown([(instance, cells[:2])], "ab", 5, 3)
    assert "| mean of 1 that all served | | | 1.00 % | 0.00 % |" in both
    assert "| the same, mean of the seeds | | | 5.33 % | 0.00 % |" in both


def test_patterns_choose_instances_once_each(folder: Path) -> None:
    chosen = run.chosen(folder, ["vrptw_*/*", "vrptw_gh1000/T2"])
    assert [path.name for path in chosen] == ["T1.txt", "T2.vrp"]


def test_an_engine_that_is_not_there_is_said_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--vrp", "--engines", "magic", "--data", str(folder)])
    assert "no engine 'magic'" in capsys.readouterr().err
