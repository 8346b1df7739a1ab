"""Who may call what. The table names every route with the roles that it lets in; one that is not in it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from api.app import create_app
from core import principals
from tests.api.visitors import Visitors, refused

OPEN = {
    ("GET", "/healthz"): "a load balancer has no token",
    ("GET", "/readyz"): "a load balancer has no token",
    ("GET", "/metrics"): "a scraper has no token; counts only",
    ("GET", "/signin/{code}"): "the link is the sign-in",
    ("POST", "/webhooks/twilio/message"): "Twilio's signature is the sign-in",
    ("POST", "/webhooks/twilio/status"): "Twilio's signature is the sign-in",
    ("GET", "/"): "shows how to sign in",
    ("GET", "/openapi.json"): "what there is, not what it holds",
}
"""method and path -> why no sign-in is asked for"""

ROLES = frozenset(principals.ROLES) - {"system"}
STAFF = frozenset({"admin", "dispatcher", "ops_lead"})
ALLOWED: dict[tuple[str, str], frozenset[str]] = {
    ("POST", "/api/chat"): STAFF | {"customer"},
    ("POST", "/api/admin/tokens"): frozenset({"admin"}),
    ("PUT", "/api/fleet"): STAFF | {"integrator"},
    ("GET", "/api/fleet"): STAFF,
    ("POST", "/api/imports"): STAFF | {"integrator"},
    ("GET", "/api/imports/{batch}"): STAFF | {"integrator"},
    ("PUT", "/api/depots/{depot_id}/matrix"): STAFF | {"integrator"},
    ("GET", "/api/orders"): STAFF | {"integrator"},
    ("GET", "/api/orders/{order_id}"): ROLES,
    ("PUT", "/api/orders/{order_id}/place"): STAFF | {"integrator"},
    ("GET", "/api/orders/{order_id}/lineage"): STAFF,
    ("POST", "/api/orders/{order_id}/collected"): STAFF,
    ("GET", "/api/tools/{name}"): STAFF | {"customer"},
    ("GET", "/api/messages"): STAFF,
    ("POST", "/api/people/{person_id}/erase"): STAFF,
    ("PUT", "/api/people/{person_id}/contact"): STAFF,
    ("GET", "/api/templates"): STAFF,
    ("POST", "/api/templates/preview"): STAFF,
    ("PUT", "/api/templates/{client}/{lang}/{template}"): STAFF,
    ("DELETE", "/api/templates/{client}/{lang}/{template}"): STAFF,
    ("GET", "/api/risks"): STAFF | {"integrator"},
    ("POST", "/api/confirmations"): STAFF,
    ("GET", "/api/slots"): STAFF | {"integrator", "customer"},
    ("GET", "/api/standing"): STAFF | {"integrator"},
    ("POST", "/api/standing/orders"): STAFF | {"integrator"},
    ("POST", "/api/standing/{standing_id}/skip"): STAFF | {"integrator"},
    ("DELETE", "/api/standing/{standing_id}"): STAFF | {"integrator"},
    ("GET", "/api/people/{person_id}/doors"): STAFF | {"integrator"},
    ("PUT", "/api/people/{person_id}/doors"): STAFF | {"integrator"},
    ("GET", "/api/depots/{depot_id}/routes"): STAFF,
    ("PUT", "/api/depots/{depot_id}/routes/{name}"): STAFF,
    ("DELETE", "/api/depots/{depot_id}/routes/{name}"): STAFF,
    ("POST", "/api/plans"): STAFF,
    ("POST", "/api/optimize"): STAFF | {"integrator"},
    ("GET", "/api/plans/runs/{run}"): STAFF,
    ("GET", "/api/plans/{depot}/{day}"): STAFF | {"integrator"},
    ("GET", "/api/plans/{depot}/{day}/compliance"): STAFF,
    ("GET", "/api/plans/{depot}/{day}/compare"): STAFF,
    ("GET", "/api/plans/{depot}/{day}/{version}/unassigned/{stop}"): STAFF,
    ("GET", "/api/plans/{depot}/{day}/{version}/moved/{stop}"): STAFF,
    ("POST", "/api/plans/{depot}/{day}/{version}/publish"): STAFF,
    ("POST", "/api/plans/{depot}/{day}/insertions"): STAFF,
    ("POST", "/api/events"): frozenset({"admin", "driver"}),
    ("POST", "/api/positions"): frozenset({"admin", "driver", "integrator"}),
    ("GET", "/api/driver/route"): frozenset({"driver"}),
    ("GET", "/api/driver/loading"): frozenset({"driver"}),
    ("POST", "/api/driver/files"): frozenset({"admin", "driver"}),
    ("GET", "/api/driver/messages"): frozenset({"driver"}),
    ("POST", "/api/driver/messages"): frozenset({"driver"}),
    ("GET", "/api/drivers/{driver_id}/messages"): STAFF,
    ("POST", "/api/drivers/{driver_id}/messages"): STAFF,
    ("GET", "/api/orders/{order_id}/evidence"): ROLES,
    ("GET", "/api/fleet/now"): STAFF,
    ("GET", "/api/vans/{van_id}/trail"): STAFF,
    ("GET", "/api/clock"): ROLES,
    ("POST", "/api/admin/clock"): frozenset({"admin"}),
    ("POST", "/api/admin/clock/pause"): STAFF,
    ("GET", "/api/cases"): STAFF,
    ("GET", "/api/handover"): STAFF,
    ("POST", "/api/incidents"): STAFF,
    ("GET", "/api/incidents"): STAFF,
    ("POST", "/api/incidents/{incident}/end"): STAFF,
    ("POST", "/api/cases"): ROLES,
    ("GET", "/api/cases/{case_id}"): STAFF,
    ("POST", "/api/cases/{case_id}/approve"): STAFF,
    ("POST", "/api/cases/{case_id}/reject"): STAFF,
    ("POST", "/api/cases/{case_id}/edit"): STAFF,
    ("POST", "/api/cases/{case_id}/close"): STAFF,
    ("GET", "/api/decisions"): STAFF,
    ("GET", "/api/decisions/{decision_id}"): STAFF,
    ("POST", "/api/decisions/{decision_id}/undo"): STAFF,
    ("GET", "/api/report/{day}"): STAFF,
    ("GET", "/api/stream"): STAFF,
}


def routes(of: Iterable[object] | None = None) -> Iterator[tuple[str, str]]:
    """Every method and path that the app answers."""
    for route in create_app().routes if of is None else of:
        inner = getattr(route, "original_router", None)  # how FastAPI keeps a router that was included
        if inner is not None:
            yield from routes(inner.routes)
        elif isinstance(route, Mount):
            assert route.path == "/static", f"{route.path} is mounted and asks nobody who they are"
        else:
            assert isinstance(route, Route), f"{route} is a route of another kind: say here who may use it"
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path


CLOSED = sorted(set(routes()) - OPEN.keys())


def address(path: str) -> str:
    """The path with something in each place: a tool that all who may use tools have, else a day."""
    return re.sub(r"{\w+}", "2026-06-02", path.replace("{name}", "tracker.order_status"))


def call(client: TestClient, method: str, path: str) -> int:
    """Status of an empty call. The stream never ends for who is let in, so it is not begun."""
    return client.request(method, address(path), json={}).status_code


def test_the_table_names_every_route_and_no_other() -> None:
    assert set(CLOSED) == ALLOWED.keys()
    assert set(routes()) >= OPEN.keys()


@pytest.fixture
def callers(visitors: Visitors) -> dict[str, TestClient]:
    return {role: visitors.a(role, "van1-driver" if role == "driver" else "") for role in sorted(ROLES)}


def test_without_a_sign_in_every_closed_route_answers_401(visitors: Visitors) -> None:
    nobody = visitors.nobody()
    for method, path in CLOSED:
        answer = nobody.request(method, address(path), json={})
        refused(answer, 401, detail="sign-in", fix="Bearer")


def test_a_token_that_nobody_issued_is_no_sign_in(visitors: Visitors) -> None:
    stranger = visitors.nobody()
    for method, path in CLOSED:
        answer = stranger.request(method, address(path), json={}, headers={"Authorization": "Bearer guessed"})
        refused(answer, 401, fix="Sign in again")


def test_each_role_gets_into_its_routes_and_into_no_other(callers: dict[str, TestClient]) -> None:
    wrong = []
    for method, path in CLOSED:
        for role, client in callers.items():
            if role in ALLOWED[method, path] and path == "/api/stream":
                continue  # tests/api/test_stream.py
            got_in = call(client, method, path) not in (401, 403)
            if got_in != (role in ALLOWED[method, path]):
                wrong.append(f"{role} {'gets into' if got_in else 'is kept out of'} {method} {path}")
    assert not wrong


def test_a_refusal_says_who_may(callers: dict[str, TestClient]) -> None:
    answer = callers["customer"].get("/api/cases")

    refused(answer, 403, detail="A customer may not do this.", fix="admin or dispatcher or ops_lead")


@pytest.mark.parametrize(("method", "path"), sorted(OPEN))
def test_what_is_open_asks_nobody(visitors: Visitors, method: str, path: str) -> None:
    answer = visitors.nobody().request(method, path.replace("{code}", "no-such-code"))

    assert answer.status_code in ((401,) if "signin" in path else (200, 503))
