"""Whatever is sent along the OpenAPI, no answer is an internal error, and every answer is what the OpenAPI says.

The cases are drawn, but the same ones each time. `/api/stream` never ends for who may read it: see test_stream.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from api import drain
from api.app import create_app
from core import decisions
from core.store import db as store
from tests.api.visitors import Visitors
from tests.api.wires import served
from tests.living import DAY, DEPOT, a_plan, an_order, customer_of, stop_of

load_all_checks()
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(create_app().openapi()).exclude(path="/api/stream")
DRAWN = settings(
    max_examples=12, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
ENGINE_IS_DOWN = {
    ("POST", "/api/admin/clock"),
    ("GET", "/readyz"),
    ("GET", "/api/slots"),
    ("POST", "/api/plans/{depot}/{day}/insertions"),
    ("GET", "/api/plans/{depot}/{day}/{version}/moved/{stop}"),
}
"""what can't be done without the engine says so"""


@dataclass(frozen=True)
class Callers:
    """Who calls where, and the ids of what there is: a drawn id hits nothing."""

    address: str
    session: requests.Session
    admin: str
    customer: str
    there_is: dict[str, str]

    def call(self, case: Case[Any], token: str) -> None:
        self._answers_as_it_says(case, token)
        if case.path_parameters.keys() & self.there_is.keys():
            case.path_parameters.update({name: self.there_is[name] for name in case.path_parameters})
            self._answers_as_it_says(case, token)

    def _answers_as_it_says(self, case: Case[Any], token: str) -> None:
        answer = case.call(base_url=self.address, session=self.session, headers={"Authorization": token}, timeout=60)
        down = answer.status_code == 503 and (case.method, case.path) in ENGINE_IS_DOWN
        assert answer.status_code < 500 or down, answer.text
        case.validate_response(answer, checks=CHECKS)


@pytest.fixture(scope="module")
def callers(visitors: Visitors) -> Iterator[Callers]:
    with store.transaction() as db:
        order_id = an_order(db, "SCHEMA-1")
        version = a_plan(db, {"van1": [order_id]})
        person, stop = customer_of(db, order_id).subject, stop_of(db, order_id)
        [decision] = decisions.of_case(db, f"plan:{DEPOT}:{DAY}")
    admin, customer = visitors.a("admin"), visitors.a("customer", person)
    where = {"depot": DEPOT, "day": DAY.isoformat()}
    there_is = where | {
        "depot_id": DEPOT,
        "van_id": "van1",
        "driver_id": "van1-driver",
        "version": str(version),
        "name": "tracker.order_status",
        "client": "default",
        "lang": "en",
        "template": "arrived",
        "order_id": order_id,
        "person_id": person,
        "decision_id": decision.id,
        "case_id": customer.post("/api/chat", json={"text": "I want a real person"}).json()["case"],
        "batch": admin.post("/api/imports", params=where, content="ref,name,lat,lon\nX,Ada,,").json()["id"],
        "run": admin.post("/api/plans", json=where).json()["run"],
        "stop": stop,
        "incident": "inc_none",
        "standing_id": "std_none",
    }
    tokens = str(admin.headers["Authorization"]), str(customer.headers["Authorization"])
    with served(visitors.app) as address, requests.Session() as session:
        session.trust_env = False
        yield Callers(address, session, *tokens, there_is)


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    """No worker runs here, so work that was asked for is never done: the clock does not wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drain, "PATIENCE_S", 0.0)
        yield


@SCHEMA.parametrize()
@DRAWN
def test_an_admin_gets_no_internal_error(case: Case[Any], callers: Callers) -> None:
    callers.call(case, callers.admin)


@SCHEMA.parametrize()
@settings(DRAWN, max_examples=3)
def test_a_customer_gets_no_internal_error(case: Case[Any], callers: Callers) -> None:
    callers.call(case, callers.customer)


def test_every_id_in_a_path_is_one_that_there_is(callers: Callers) -> None:
    names = {name for path in create_app().openapi()["paths"] for name in re.findall(r"{(\w+)}", path)}

    assert names <= callers.there_is.keys()
