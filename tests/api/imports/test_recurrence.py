from __future__ import annotations

from datetime import date

import pytest

from api.imports import recurrence
from core.errors import BadInput


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon, thu", (1, 4)),
        ("Mo Do", (1, 4)),
        ("1;4", (1, 4)),
        ("daily", (1, 2, 3, 4, 5, 6, 7)),
        ("workdays", (1, 2, 3, 4, 5)),
        ("Sábado / domingo", (6, 7)),
        ("lundi", (1,)),
        ("terça", (2,)),
        ("Wednesday wed we", (3,)),
        (5, (5,)),
    ],
)
def test_days_of_the_week_in_the_words_that_people_use(text: object, days: tuple[int, ...]) -> None:
    assert recurrence.weekdays({"weekdays": text}) == days


@pytest.mark.parametrize("text", ["funday", "8", "m", "0"])
def test_a_word_that_is_no_day_is_named(text: str) -> None:
    with pytest.raises(BadInput, match="no day of the week") as caught:
        recurrence.weekdays({"weekdays": text})
    assert caught.value.field == "weekdays"


def test_it_ends_on_a_day() -> None:
    assert recurrence.until({"until": "2026-12-31T00:00:00"}) == date(2026, 12, 31)
    assert recurrence.until({}) is None
    with pytest.raises(BadInput, match="no date"):
        recurrence.until({"until": "soon"})
