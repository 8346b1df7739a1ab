"""Which country a time zone lies in."""

from __future__ import annotations

import pytest

from core import regions


@pytest.mark.parametrize(
    ("tz", "country"),
    [
        ("America/Chicago", "US"),
        ("Europe/Madrid", "ES"),
        ("America/Sao_Paulo", "BR"),
        ("Europe/Berlin", "DE"),
        ("Asia/Tokyo", "JP"),
        ("UTC", "US"),
    ],
)
def test_a_zone_lies_in_a_country(tz: str, country: str) -> None:
    assert regions.of_zone(tz) == country
