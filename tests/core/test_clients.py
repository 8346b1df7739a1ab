"""Clients and what was agreed with them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection

from core import clients
from core.clients import Client


def test_a_client_put_again_is_changed(record: Connection) -> None:
    clients.put(record, Client(id="acme", name="Acme", latest_min=15))
    clients.put(record, Client(id="acme", name="Acme Foods", latest_min=30, attempts=3, retry="return"))
    found = clients.get(record, "acme")
    assert (found.name, found.latest_min, found.attempts, found.retry) == ("Acme Foods", 30, 3, "return")
    assert [each.id for each in clients.every(record)] == ["acme"]


def test_a_client_that_nobody_put_in_has_the_defaults(record: Connection) -> None:
    assert clients.get(record, "nobody") == clients.DEFAULT


def test_the_default_can_be_put_in_too(record: Connection) -> None:
    clients.put(record, Client(id="default", name="Walk-ins", attempts=1))
    assert clients.get(record, "nobody").attempts == 1


@pytest.mark.parametrize(
    "given", [{"latest_min": -1}, {"attempts": 0}, {"retry": "never"}, {"id": ""}, {"sla": 5}], ids=str
)
def test_an_agreement_that_can_not_be_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Client.model_validate({"id": "acme", "name": "Acme", **given})
