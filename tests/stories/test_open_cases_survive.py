"""Story: a case waits for a person overnight. Everything is restarted, or a release with renamed nodes takes over; the
person's yes still counts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.wire import Case
from evals.world import setup
from evals.world.synthetic import synthetic
from tests.stories.house import ROOT, House, a_house, wait_for

CITY = synthetic(6, orders=4, vans=2).model_copy(update={"iterations": 500})
LATER = "2026-04-20"
"""more than two weeks ahead: policy asks a person"""
ROOMS = ("core", "optimizer", "tools", "agent", "prompts", "api", "evals", "tests")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with a_house(6) as made:
        with made.admin() as client:
            setup.prepare(client, CITY, lambda words: None)
            client.advance(CITY.start)
        yield made


def a_waiting_case(house: House, nth: int) -> Case:
    ref = CITY.orders[nth].ref
    person = house.rows("SELECT person_id FROM order_ WHERE ref = :ref", ref=ref)[0]["person_id"]
    with house.admin() as client:
        said = client.acting(client.token("customer", person)).chat(f"Please deliver {ref} on {LATER} instead")
        assert said.case is not None, said.reply
        wait_for(lambda: _row(house, str(said.case))["status"] == "waiting", "the question to be up", house.log)
        return next(case for case in client.cases("waiting") if case.id == said.case)


def _row(house: House, case_id: str) -> dict[str, Any]:
    return house.rows("SELECT * FROM case_ WHERE id = :id", id=case_id)[0]


def _approve(house: House, case: Case) -> None:
    assert case.proposal is not None
    with house.admin() as client:
        client.approve(case.id, case.proposal.digest)
    wait_for(lambda: _row(house, case.id)["status"] == "closed", "the case to be closed", house.log)
    assert _row(house, case.id)["reason_code"] == "done"
    assert len(house.rows("SELECT id FROM decision WHERE case_id = :id AND verdict = 'approved'", id=case.id)) == 1


@pytest.mark.timeout(200)
def test_a_case_that_waits_survives_a_restart_of_everything(house: House) -> None:
    case = a_waiting_case(house, 0)
    before = _row(house, case.id)
    house.stop()
    assert not house.server.status().running, "the database was down, too"
    house.start()
    assert _row(house, case.id) == before
    with house.admin() as client:
        assert case in client.cases("waiting"), "and it is shown as it was"
    _approve(house, case)


@pytest.mark.timeout(200)
def test_a_case_that_waits_survives_a_release_with_renamed_nodes(house: House, tmp_path: Path) -> None:
    case = a_waiting_case(house, 1)
    house.stop()
    house.start(release=renamed(tmp_path / "release"))
    try:
        _approve(house, case)
    finally:
        house.stop()
        house.start()


def renamed(release: Path) -> Path:
    """A copy of this program whose graph calls its nodes by other names."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, release / room, ignore=shutil.ignore_patterns("__pycache__"))
    file = release / "agent" / "casework.py"
    old = file.read_text("utf-8")
    new = re.sub(r'"(triage|diagnose|price|gate|act|verify|close)"', r'"\1_it"', old)
    assert new.count('_it"') >= 12, "the nodes are named elsewhere by now"
    file.write_text(new, "utf-8")
    return release


# Forgetting a customer ------------------------------------------------------------------------------------------------
