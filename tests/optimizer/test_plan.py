from __future__ import annotations

import pytest

from core.errors import BadInput
from optimizer import ortools_engine
from optimizer.native import engine as native
from optimizer.plan import DAY_ENGINE, FEWEST, MOST, Engine, budget, chosen, named, solve
from optimizer.travel import Matrix
from tests.optimizer.a_problem import problem, road, stop

MATRIX = road(6)
DAY = problem(MATRIX, [stop(i) for i in range(1, 6)])
MET = problem(MATRIX, [stop(1, aboard="v1"), stop(2, aboard="v1").model_copy(update={"met_at": "s1"})])


@pytest.mark.parametrize(
    ("asked", "day", "by", "why"),
    [
        ("auto", DAY, "native", "it supports the day"),
        ("auto", MET, "ortools", "goods are fetched from another van"),
        ("native", DAY, "native", "it is asked for"),
        ("ortools", DAY, "ortools", "it is asked for"),
    ],
)
def test_the_engine_is_the_one_that_is_asked_for_or_fits(asked: Engine, day: object, by: str, why: str) -> None:
    assert chosen(day, MATRIX, asked) == by, why  # type: ignore[arg-type]
    assert solve(day, MATRIX, engine=asked, iterations=50).engine == by, why  # type: ignore[arg-type]


def test_what_our_own_engine_has_no_word_for_is_refused_or_goes_to_the_other_one() -> None:
    tolls = Matrix(MATRIX.durations_s, MATRIX.distances_m, "test:tolls", tolls=MATRIX.distances_m // 100)
    priced = DAY.model_copy(update={"matrix": tolls.hash})
    assert chosen(priced, tolls, "auto") == "native"
    limited = priced.model_copy(update={"vehicles": (priced.vehicles[0].model_copy(update={"max_distance_m": 9}),)})
    assert chosen(limited, tolls, "auto") == "ortools"
    with pytest.raises(BadInput, match="a price of each leg and a limit on distance") as refused:
        solve(limited, tolls, engine="native", iterations=50)
    assert refused.value.field == "engine"
    with pytest.raises(BadInput, match="goods fetched from another van"):
        solve(MET, MATRIX, engine="native", iterations=50)


def test_both_engines_give_the_plan_that_they_give_alone() -> None:
    assert solve(DAY, MATRIX, engine="native", seed=2, iterations=70) == native.solve(
        DAY, MATRIX, seed=2, iterations=70
    )
    alone = ortools_engine.solve(DAY, MATRIX, seed=2, iterations=300)
    assert solve(DAY, MATRIX, engine="ortools", seed=2, iterations=300) == alone


def test_without_limits_the_size_decides_and_with_time_alone_the_time_does() -> None:
    assert solve(DAY, MATRIX, engine="native").iterations == budget(5, "native") == FEWEST
    assert solve(DAY, MATRIX, engine="native", time_limit_s=0.1).stopped_by == "time"
    assert budget(10**6, "native") == MOST
    assert budget(300, "ortools") == ortools_engine.budget(300)
    assert budget(300) == budget(300, DAY_ENGINE)


def test_an_engine_that_is_not_there_is_named_with_those_that_are() -> None:
    assert named("native") == "native"
    with pytest.raises(BadInput, match="auto, native, combined, ortools"):
        named("vroom")
