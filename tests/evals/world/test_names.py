from __future__ import annotations

import re

import pytest

from evals.world import names


def test_every_number_is_of_the_range_kept_for_fiction_and_given_once() -> None:
    given = [names.phone(nth) for nth in range(5000)]
    assert len(set(given)) == len(given)
    assert all(re.fullmatch(r"\+1[2-9]\d\d55501\d\d", number) for number in given)


def test_numbers_run_out_with_an_error_not_with_a_real_number() -> None:
    assert names.phone(69_999).startswith("+1900555")
    with pytest.raises(ValueError, match="all there are"):
        names.phone(70_000)
