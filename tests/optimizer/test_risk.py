from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.risk import BASE_RATE, SAYS, Count, assess, base, probability

NOBODY = Count(0, 0)
counts = st.integers(0, 500).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n)))


def test_without_any_attempts_it_is_the_industrys_rate() -> None:
    assert base(NOBODY) == pytest.approx(BASE_RATE)
    assert assess(NOBODY, {}).percent == 8
    assert assess(NOBODY, {}).reasons == ("8 % of first attempts fail",)


def test_ones_own_attempts_move_the_base_slowly() -> None:
    assert base(Count(10, 10)) < 0.13
    assert base(Count(20_000, 3_000)) == pytest.approx(0.15, abs=0.001)


def test_a_customer_who_was_never_there_is_risky_and_one_who_always_is_is_not() -> None:
    town = Count(5000, 400)
    often = assess(town, {"person": Count(6, 5), "door": Count(6, 5)})
    never = assess(town, {"person": Count(40, 0), "door": Count(40, 0)})
    assert often.percent >= 20 > 8 > never.percent
    assert often.reasons[0] in {f"5 of 6 first attempts failed for {SAYS[name]}" for name in ("door", "person")}


def test_what_hardly_matters_is_no_reason() -> None:
    assert assess(Count(5000, 400), {"hour": Count(1000, 82)}).reasons == ("8 % of first attempts fail",)


@given(counts, st.sampled_from(sorted(SAYS)), counts)
def test_it_is_a_probability_and_one_more_failure_never_lowers_it(town: Count, name: str, known: Count) -> None:
    town = Count(town.tried + known.tried, town.failed + known.failed)
    here = probability(town, {name: known})
    assert 0 < here < 1
    assert probability(town, {name: Count(known.tried + 1, known.failed + 1)}) > here
