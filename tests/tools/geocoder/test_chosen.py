"""Which geocoder the settings choose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Misconfigured
from core.orders import Address
from tests.living import environment
from tools.geocoder.chosen import geocoder
from tools.geocoder.port import Missed


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    geocoder.cache_clear()
    yield
    geocoder.cache_clear()


def test_without_settings_nobody_places_anything() -> None:
    with environment():
        assert geocoder().find(Address(line1="5 Elm St")) == Missed(reason="no_geocoder")


def test_a_file_of_addresses_is_used_when_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "known.csv").write_text("address,lat,lon\n5 Elm St,1,2\n")
    with environment(DOORSTEP_GAZETTEER=str(tmp_path / "known.csv")):
        assert geocoder().name == "gazetteer"


def test_nominatim_is_used_when_asked_for() -> None:
    with environment(DOORSTEP_GEOCODER="nominatim", DOORSTEP_GEOCODER_URL="http://127.0.0.1:9"):
        assert geocoder().name == "nominatim"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"DOORSTEP_GEOCODER": "oracle"}, "DOORSTEP_GEOCODER"),
        ({"DOORSTEP_GEOCODER": "nominatim"}, "DOORSTEP_GEOCODER_URL"),
        ({"DOORSTEP_GEOCODER": "gazetteer"}, "DOORSTEP_GAZETTEER"),
    ],
    ids=["nobody", "no address of it", "no file"],
)
def test_settings_that_contradict_are_named(given: dict[str, str], field: str) -> None:
    with environment(**given), pytest.raises(Misconfigured) as caught:
        geocoder()
    assert caught.value.field == field
