from __future__ import annotations

import pytest

from evals import bench_live
from evals.bench_live import breakdowns, city, first_plans, insertions, polished, questions
from optimizer.native.engine import solve
from optimizer.native.resident import Resident


def test_a_small_city_is_measured_like_the_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_live, "QUESTIONS", 20)
    monkeypatch.setattr(bench_live, "BREAKDOWNS", 2)
    monkeypatch.setattr(bench_live, "WHAT_IFS", 30)
    problem, matrix, later = city(60, 5)
    plan = solve(problem, matrix, iterations=300)
    assert not plan.unassigned
    day = problem.model_copy(update={"routes": {r.vehicle_id: r.stop_ids for r in plan.routes}})
    resident = Resident(day, matrix)
    figures = [*insertions(resident, later), questions(resident, later), *breakdowns(day, matrix)]
    assert len(figures) == 5
    assert all(figure.value is not None and figure.value > 0 for figure in figures)
    assert resident.routes == Resident(day, matrix).routes, "asking leaves the plan as it was"
    saved = polished(day, matrix, 0.05).value
    assert saved is not None
    assert saved >= 0


def test_first_plans_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_live, "city", lambda: city(60, 5))
    figures, problem, _, plan, _ = first_plans(0.2)
    assert figures[0].note == "60 of 60 stops"
    assert "0 violations" in figures[1].note
    assert len(problem.stops) == sum(len(r.visits) for r in plan.routes)
