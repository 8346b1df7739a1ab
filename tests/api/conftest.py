"""The API of an instance that a file of tests shares, called in this process; no engine and no worker run beside it.

Each test brings orders and cases of its own, so that none depends on what another one left.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.app import create_app
from api.limits import Limits
from core.store import db as store
from tests.api.visitors import Visitors
from tests.living import a_depot, a_van, at, copy_of, instance_on
from tools.optimizer import resident


@pytest.fixture(scope="module")
def visitors(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    """It is 07:00 at a depot with two vans. The engine is down, and nobody waits for it."""
    folder = tmp_path_factory.mktemp("data")
    with copy_of(template_url, "doorstep_api") as url, instance_on(url, folder, at("07:00")) as living:
        resident().client.patience_s = 0.0
        with store.transaction() as db:
            a_depot(db)
            a_van(db, "van1")
            a_van(db, "van2")
        yield Visitors(create_app(Limits({})), living)
