"""A depot at noon, for the tests of what goes out from it."""

from __future__ import annotations

import pytest

from core.store import db as store
from tests.living import Living, a_depot
from tests.tools.notify.a_message import NOON


@pytest.fixture
def noon(living: Living) -> Living:
    living.to(NOON)
    with store.transaction() as db:
        a_depot(db)
    return living
