"""Money is said with its currency, with as many decimals as that has."""

from __future__ import annotations

import pytest

from core import money
from core.errors import Misconfigured
from core.settings import override


@pytest.fixture(autouse=True)
def dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_CURRENCY", "USD")
    override()


@pytest.mark.parametrize(
    ("minor", "code", "said"),
    [
        (1234, "USD", "12.34 USD"),
        (5, "EUR", "0.05 EUR"),
        (-1720, "USD", "-17.20 USD"),
        (0, "USD", "0.00 USD"),
        (1234, "JPY", "1234 JPY"),
        (-7, "KRW", "-7 KRW"),
        (1234, "KWD", "1.234 KWD"),
        (10**12 + 1, "USD", "10000000000.01 USD"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(minor: int, code: str, said: str) -> None:
    assert money.say(minor, code) == said


def test_the_installations_currency_is_a_setting() -> None:
    assert money.say(100) == "1.00 USD"
    override(DOORSTEP_CURRENCY="jpy")
    assert money.say(100) == "100 JPY"


def test_what_is_no_currency_is_named() -> None:
    override(DOORSTEP_CURRENCY="BUCKS")
    with pytest.raises(Misconfigured) as wrong:
        money.currency()
    assert wrong.value.field == "DOORSTEP_CURRENCY"


def test_the_decimals_are_those_of_listed_codes() -> None:
    assert money.DECIMALS.keys() <= money.CODES
    assert all(len(code) == 3 and code.isupper() for code in money.CODES)
