"""Reviews are entries of the log; their sums estimate how much is missed."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Connection

from core import decisions, log, reviews
from core.errors import BadInput, NotAllowed, NotFound
from core.reviews import Figures
from tests.living import at, who

DAY = date(2026, 6, 2)
NOW = at("09:00")


def made(db: Connection, number: int, verdict: str = "auto") -> str:
    return decisions.write(
        db, case_id=f"case_{number}", round_=1, action="retell", verdict=verdict, rule="retell.in_time", approver=None,
        outcome={}, inputs={}, applied={}, cost=0, at=NOW, day=DAY,
    )  # fmt: skip


def test_the_last_review_of_a_decision_counts_and_the_log_verifies(record: Connection) -> None:
    one, lead = made(record, 1), who(record, "ops_lead")
    reviews.review(record, lead, one, "right", "", NOW)
    reviews.review(record, lead, one, "wrong", "other_option", NOW)
    assert reviews.of_all(record) == {one: ("wrong", "other_option")}
    assert not log.verify(record, []).problems


@pytest.mark.parametrize(
    ("role", "said", "why", "error", "field"),
    [
        ("driver", "right", "", NotAllowed, ""),
        ("ops_lead", "maybe", "", BadInput, "verdict"),
        ("ops_lead", "wrong", "", BadInput, "why"),
        ("ops_lead", "wrong", "Mrs Smith was cross", BadInput, "why"),
    ],
)
def test_a_review_that_says_nothing_is_refused(
    record: Connection, role: str, said: str, why: str, error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as found:
        reviews.review(record, who(record, role), made(record, 1), said, why, NOW)
    assert (getattr(found.value, "field", "") or "") == field


def test_a_review_of_nothing_is_refused(record: Connection) -> None:
    with pytest.raises(NotFound):
        reviews.review(record, who(record, "ops_lead"), "dec_none", "right", "", NOW)


def test_a_sample_is_of_automatic_decisions_that_nobody_looked_at(record: Connection) -> None:
    auto = [made(record, number) for number in range(20)]
    made(record, 99, "escalated")
    reviews.review(record, who(record, "ops_lead"), auto[0], "right", "", NOW)
    drawn = reviews.sample(record, 5, seed=1)
    assert len(set(drawn)) == 5
    assert set(drawn) <= set(auto[1:])
    assert drawn == reviews.sample(record, 5, seed=1) != reviews.sample(record, 5, seed=2)
    assert set(reviews.sample(record, 100, seed=1)) == set(auto[1:])


def test_what_is_missed_is_scaled_up_from_the_sample(record: Connection) -> None:
    lead = who(record, "ops_lead")
    auto = [made(record, number) for number in range(40)]
    asked = [made(record, 100 + number, "escalated") for number in range(10)]
    for number, each in enumerate(auto[:20]):
        reviews.review(record, lead, each, *(("wrong", "should_have_asked") if number == 0 else ("right", "")), NOW)
    for number, each in enumerate(asked[:5]):
        reviews.review(record, lead, each, *(("wrong", "needless") if number == 0 else ("right", "")), NOW)
    found = reviews.figures(record)
    assert found == Figures(40, 10, 20, 1, 5, 1, 2)
    assert found.precision == pytest.approx(4 / 5)
    assert found.recall == pytest.approx(8 / (8 + 2)), "eight asked rightly, two of forty missed"


def test_without_reviews_nothing_is_estimated(record: Connection) -> None:
    made(record, 1)
    found = reviews.figures(record)
    assert (found.precision, found.recall) == (None, None)
