"""Travel times by the settings: one source a matrix, and a fallback that replaces all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.errors import Misconfigured, Unavailable
from core.settings import settings
from core.store import db as store
from optimizer.travel import great_circle
from tests.living import DAY, DEPOT, HOME, Living, a_depot, a_van, an_order
from tests.loopback import serving
from tests.optimizer.road_servers import Fake
from tools import problems, travel_times

POINTS = [HOME, (30.3, -97.7), (30.4, -97.6)]


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(Fake()) as server:
        yield server


@pytest.fixture
def setting(living: Living, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def put(setting: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        setting.setenv(f"DOORSTEP_{name}", value)
    settings.cache_clear()


def test_without_a_server_they_are_estimated(setting: pytest.MonkeyPatch) -> None:
    assert travel_times.between(POINTS, "dep/day").hash == great_circle(POINTS).hash


@pytest.mark.parametrize("vendor", ["OSRM", "VALHALLA"])
def test_a_server_that_is_set_is_asked_and_a_days_problem_says_so(
    setting: pytest.MonkeyPatch, fake: Fake, vendor: str
) -> None:
    put(setting, **{f"{vendor}_URL": fake.url})
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
        an_order(db, "ROAD-1")
        an_order(db, "ROAD-2", place=2)
        here = problems.ground(db, DEPOT, DAY)
        asked = len(fake.asked)
        assert problems.ground(db, DEPOT, DAY).matrix.hash == here.matrix.hash
    assert here.matrix.provider.startswith(f"{vendor.lower()}:{fake.url}")
    assert len(fake.asked) == asked > 0, "asked once a day and door"


def test_a_server_that_fails_stops_the_plan_or_is_replaced_for_all_of_it(
    setting: pytest.MonkeyPatch, fake: Fake
) -> None:
    put(setting, OSRM_URL=fake.url)
    fake.answer = (503, {"code": "Down"})
    with pytest.raises(Unavailable, match="says 503"):
        travel_times.between(POINTS, "dep/day")
    put(setting, TRAVEL_FALLBACK="great_circle")
    assert travel_times.between(POINTS, "dep/day").provider == great_circle(POINTS).provider


@pytest.mark.parametrize(("given", "field"), [
    ({"OSRM_URL": "http://a", "VALHALLA_URL": "http://b"}, "DOORSTEP_OSRM_URL"),
    ({"TRAVEL_FALLBACK": "guess"}, "DOORSTEP_TRAVEL_FALLBACK"),
])  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(
    setting: pytest.MonkeyPatch, given: dict[str, str], field: str
) -> None:
    put(setting, **given)
    with pytest.raises(Misconfigured) as caught:
        travel_times.between(POINTS, "dep/day")
    assert caught.value.field == field
