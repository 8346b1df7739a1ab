"""The flat tariff: prices as its table says, at the edges too, and a reason where there is no price."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.carriers.flat import TARIFF, FlatTariff, metres
from tools.carriers.port import CarrierQuoter, Parcel, Place, Quote, Refusal

FRIDAY = date(2026, 11, 20)
MONDAY = date(2026, 11, 23)
HERE = Place(lat=0, lon=0)
KM = 1 / 111.195  # degrees of longitude on the equator


def quote(weight_g: int, km: float, day: date = MONDAY, pieces: int = 1) -> dict[str, Quote | Refusal]:
    quoter: CarrierQuoter = FlatTariff()
    answers = quoter.quote(Parcel(weight_g=weight_g, pieces=pieces), HERE, Place(lat=0, lon=km * KM), day)
    return {answer.service: answer for answer in answers}


@pytest.mark.parametrize(
    ("weight_g", "km", "cents", "delivery"),
    [
        (1, 0, 690, date(2026, 11, 24)),
        (1_000, 24, 690, date(2026, 11, 24)),
        (1_001, 24, 890, date(2026, 11, 24)),
        (1_000, 26, 890, date(2026, 11, 24)),
        (15_000, 400, 2_390, date(2026, 11, 25)),
        (30_000, 2_900, 5_890, date(2026, 11, 26)),
    ],
)
def test_the_price_is_the_tables(weight_g: int, km: float, cents: int, delivery: date) -> None:
    answer = quote(weight_g, km)["standard"]
    assert isinstance(answer, Quote)
    assert (answer.cost_cents, answer.delivery, answer.currency) == (cents, delivery, "USD")


def test_each_piece_is_weighed_and_priced_alone() -> None:
    answer = quote(3_000, 10, pieces=3)["standard"]
    assert isinstance(answer, Quote)
    assert answer.cost_cents == 3 * 690


def test_a_weekend_is_no_working_day() -> None:
    answer = quote(900, 10, FRIDAY)["standard"]
    assert isinstance(answer, Quote)
    assert answer.delivery == MONDAY


def test_same_day_is_dearer_and_only_near() -> None:
    near, far = quote(900, 10)["same_day"], quote(900, 30)["same_day"]
    assert isinstance(near, Quote)
    assert (near.cost_cents, near.delivery) == (1_890, MONDAY)
    assert isinstance(far, Refusal)
    assert far.reason == "too_far"


@pytest.mark.parametrize(
    ("weight_g", "km", "day", "reason"),
    [
        (30_001, 10, MONDAY, "too_heavy"),
        (900, 3_100, MONDAY, "too_far"),
        (900, 10, date(2026, 11, 21), "day_not_served"),
        (900, 10, date(2026, 11, 22), "day_not_served"),
    ],
)
def test_no_price_has_a_reason(weight_g: int, km: float, day: date, reason: str) -> None:
    for answer in quote(weight_g, km, day).values():
        assert isinstance(answer, Refusal)
        assert answer.reason == reason
        assert answer.detail


@given(st.integers(1, 40_000), st.floats(0, 3_500), st.integers(1, 5), st.dates(date(2026, 1, 1), date(2027, 1, 1)))
def test_it_answers_anything_once_a_service(weight_g: int, km: float, pieces: int, day: date) -> None:
    assert set(quote(weight_g, km, day, pieces)) == {"same_day", "standard"}


def test_heavier_and_farther_is_never_cheaper() -> None:
    for (_, lighter), (_, heavier) in itertools.pairwise(TARIFF):
        assert all(a < b for a, b in zip(lighter, heavier, strict=True))
        assert list(heavier) == sorted(heavier)


def test_the_distance_is_the_great_circle() -> None:
    paris, london = Place(lat=48.8566, lon=2.3522), Place(lat=51.5074, lon=-0.1278)
    assert abs(metres(paris, london) - 343_556) < 500
    assert metres(paris, paris) == 0
