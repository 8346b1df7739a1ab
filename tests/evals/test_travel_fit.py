from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals import osm, travel_fit
from optimizer.travel import FIXED_S, PARTS, leg_s

EDGES = (0.0, 1.0, 8.0)


def test_a_fit_finds_the_paces_that_made_the_legs_and_meets_their_sum() -> None:
    draw = np.random.default_rng(3)
    km = draw.uniform(0.02, 20, 2000)
    seconds = 5 + 150 * np.minimum(km, 1) + 80 * np.clip(km - 1, 0, 7) + 50 * np.clip(km - 8, 0, None)
    noisy = seconds * draw.lognormal(-0.02, 0.2, len(km))
    found = travel_fit.fit((km, noisy), EDGES)
    assert found[1:] == pytest.approx([150, 80, 50], rel=0.1)
    assert (travel_fit._parts(km, EDGES) @ found).sum() == pytest.approx(noisy.sum(), rel=1e-6)


def test_between_two_fits_is_their_geometric_mean() -> None:
    middle = travel_fit.between(np.array([4.0, 200, 100, 50]), np.array([1.0, 50, 25, 12.5]), EDGES)
    assert middle == pytest.approx([2, 100, 50, 25])


def test_a_tour_goes_to_the_nearest_door_and_ends_where_it_began() -> None:
    legs = {at: [(at + step, 100.0, 10.0) for step in (-1, 1) if 0 <= at + step < 12] for at in range(12)}
    roads = osm.Roads({at: (52.0 + at / 1000, 13.0) for at in range(12)}, legs)
    km, seconds = travel_fit.toured(roads, seed=2)
    assert len(km) == len(seconds)
    assert seconds == pytest.approx(km * 100)
    assert np.median(km) == pytest.approx(0.1)


def test_the_estimator_holds_what_the_data_say(shared_data: Path) -> None:
    sources = (
        travel_fit.driven(shared_data / "routes" / "amazon_last_mile"),
        travel_fit.toured(osm.read(shared_data / "osm" / "harrisburg.osm.pbf")),
    )
    one, other = (travel_fit.fit(legs, EDGES) for legs in sources)
    found = travel_fit.between(one, other, EDGES)
    assert found[0] == pytest.approx(FIXED_S, abs=0.05)
    assert [3600 / pace for pace in found[1:]] == pytest.approx([kmh for _, kmh in PARTS], abs=0.05)
    for (km, seconds), sign in zip(sources, (-1, 1), strict=True):
        bias = sum(leg_s(round(each * 1000)) for each in km) / seconds.sum() - 1
        assert 0.1 < sign * bias < 0.4, "slower than an empty town, faster than a full one"
