"""What may cross the carriers' port."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tools.carriers.port import Parcel, Place


@pytest.mark.parametrize("bad", [{"weight_g": 0}, {"weight_g": -1}, {"weight_g": 5, "pieces": 0}])
def test_a_parcel_has_weight_and_pieces(bad: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Parcel.model_validate(bad)


@pytest.mark.parametrize("bad", [{"lat": 91, "lon": 0}, {"lat": 0, "lon": 181}, {"lat": float("nan"), "lon": 0}])
def test_a_place_is_on_earth(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Place.model_validate(bad)
