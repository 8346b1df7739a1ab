"""Approve, reject, edit, undo over HTTP: a verdict counts once, and who comes second is told who was first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core import orders, promises
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import a_depot, a_plan, a_van, an_order, at, customer_of, load_and_leave, who

fresh = count(1)


@dataclass(frozen=True)
class Asked:
    """A case that waits for a person: a customer wants another day for goods that are on a van."""

    id: str
    order: str
    dana: TestClient
    omar: TestClient
    dana_is: str
    work: Callable[[], object]

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = self.dana.get(f"/api/cases/{self.id}").json()
        return found

    @property
    def proposal(self) -> str:
        return str(self.read()["proposal"]["digest"])


@pytest.fixture
def asked(visitors: Visitors) -> Asked:
    n = next(fresh)
    with store.transaction() as db:
        depot = a_depot(db, f"dep{n}")
        van = a_van(db, f"van{n}-a", depot)
        made = [an_order(db, f"ASK-{n}-{place}", place, depot_id=depot) for place in (1, 2, 3)]
        a_plan(db, {van: made}, depot_id=depot)
        load_and_leave(db, van, made, at("07:00"))
        person, dana = customer_of(db, made[1]).subject, who(db, "dispatcher", "dana").id
    living = visitors.living
    wish = {"text": f"please reschedule order ASK-{n}-2 to 2026-06-04"}
    case_id = visitors.a("customer", person).post("/api/chat", json=wish).json()["case"]
    living.work()
    return Asked(case_id, made[1], visitors.a("dispatcher", "dana"), visitors.a("ops_lead", "omar"), dana, living.work)


def test_a_waiting_case_shows_facts_options_owner_by_when_and_the_exact_proposal(asked: Asked) -> None:
    shown = asked.read()

    assert (shown["status"], shown["kind"], shown["verdict"]["verdict"]) == ("waiting", "reschedule", "ask")
    assert shown["proposal"]["action"] == "reschedule"
    assert shown["owner"]
    assert shown["due_by"] > shown["opened_at"]
    assert {option["kind"] for option in shown["options"]} == {"wait", "postpone"}
    listed = asked.dana.get("/api/cases", params={"status": "waiting"}).json()["cases"]
    assert asked.id in [row["id"] for row in listed]


def test_what_is_approved_is_done(asked: Asked) -> None:
    answer = asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": asked.proposal})

    assert answer.json() == {"case": asked.id, "status": "approved"}
    asked.work()
    shown = asked.read()
    assert shown["status"] == "closed"
    [decision] = shown["decisions"]
    assert (decision["verdict"], decision["approver"], decision["action"]) == ("approved", asked.dana_is, "reschedule")
    record = asked.dana.get(f"/api/decisions/{decision['id']}").json()["record"]
    assert record["case"] == asked.id
    with store.transaction() as db:
        assert orders.get(db, asked.order).status == "rescheduled"


def test_who_approves_second_is_told_who_was_first(asked: Asked) -> None:
    proposal = asked.proposal
    asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": proposal})

    for verb, more in (("approve", {}), ("reject", {"reason": "no"}), ("edit", {"option": "wait"})):
        answer = asked.omar.post(f"/api/cases/{asked.id}/{verb}", json={"proposal": proposal, **more})

        problem = refused(answer, 409, title="AlreadyDecided", detail=asked.dana_is)
        assert "approved" in problem["detail"]


def test_two_who_approve_at_once_are_one_approval(asked: Asked) -> None:
    proposal = asked.proposal

    def approve(client: TestClient) -> int:
        return client.post(f"/api/cases/{asked.id}/approve", json={"proposal": proposal}).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(approve, [asked.dana, asked.omar]))

    assert answers == [200, 409]
    asked.work()
    assert len(asked.read()["decisions"]) == 1


def test_a_rejected_case_goes_to_who_rejected_it_with_the_reason(asked: Asked) -> None:
    proposal = asked.proposal
    answer = asked.dana.post(
        f"/api/cases/{asked.id}/reject", json={"proposal": proposal, "reason": "it is at the door"}
    )

    decision = answer.json()["decision"]
    shown = asked.read()
    assert (shown["status"], shown["reason_code"], shown["owner"]) == ("escalated", "rejected", asked.dana_is)
    assert shown["facts"]["rejected_because"] == "it is at the door"
    assert shown["decisions"][-1]["id"] == decision
    late = asked.omar.post(f"/api/cases/{asked.id}/approve", json={"proposal": proposal})
    refused(late, 409, detail=asked.dana_is)


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_rejection_needs_a_reason(asked: Asked, reason: str) -> None:
    answer = asked.dana.post(f"/api/cases/{asked.id}/reject", json={"proposal": asked.proposal, "reason": reason})

    refused(answer, 422, field="reason", fix="why")
    assert asked.read()["status"] == "waiting"


def test_an_edit_is_a_new_proposal_and_the_old_one_can_no_longer_be_approved(asked: Asked) -> None:
    before = asked.proposal

    after = asked.dana.post(f"/api/cases/{asked.id}/edit", json={"proposal": before, "option": "wait"}).json()[
        "proposal"
    ]

    shown = asked.read()
    assert (shown["proposal"]["digest"], shown["proposal"]["option"]) == (after, "wait")
    refused(asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": before}), 409, title="Stale")
    assert asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": after}).status_code == 200


def test_an_edit_names_an_option_of_the_case(asked: Asked) -> None:
    answer = asked.dana.post(f"/api/cases/{asked.id}/edit", json={"proposal": asked.proposal, "option": "teleport"})

    refused(answer, 422, field="option", fix="postpone")


def test_an_approval_of_what_has_changed_is_refused_and_the_case_is_computed_again(asked: Asked) -> None:
    proposal = asked.proposal
    with store.transaction() as db:
        promises.release(db, asked.order)

    answer = asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": proposal})

    refused(answer, 409, title="Stale", detail="changed since it was shown", fix="decide anew")
    asked.work()
    shown = asked.read()
    assert shown["status"] == "waiting"
    assert shown["proposal"]["digest"] != proposal
    with store.transaction() as db:
        assert orders.get(db, asked.order).status == "out"


def test_a_proposal_of_another_case_is_not_found(asked: Asked) -> None:
    refused(asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": "0" * 64}), 404, field="proposal")
    refused(asked.dana.post("/api/cases/case_nowhere/approve", json={"proposal": "0" * 64}), 404, detail="no case")
    refused(asked.dana.get("/api/cases/case_nowhere"), 404)


def test_only_an_escalated_case_is_closed_by_hand(asked: Asked) -> None:
    close = f"/api/cases/{asked.id}/close"
    refused(asked.dana.post(close, json={"note": "settled"}), 409, detail="waiting")
    asked.dana.post(f"/api/cases/{asked.id}/reject", json={"proposal": asked.proposal, "reason": "called them"})

    assert asked.omar.post(close, json={"note": "settled"}).json() == {"case": asked.id, "status": "closed"}
    assert asked.read()["closed_at"]
    refused(asked.omar.post(close, json={"note": "settled"}), 409, detail="closed")


def done(asked: Asked) -> str:
    """The decision of the case, approved and carried out."""
    asked.dana.post(f"/api/cases/{asked.id}/approve", json={"proposal": asked.proposal})
    asked.work()
    return str(asked.read()["decisions"][0]["id"])


def test_an_undo_takes_back_what_the_world_allows_and_says_what(asked: Asked) -> None:
    decision = done(asked)

    undone = asked.omar.post(f"/api/decisions/{decision}/undo")

    assert undone.status_code == 200, undone.text
    assert any(asked.order in line for line in undone.json()["undone"])
    with store.transaction() as db:
        assert orders.get(db, asked.order).status == "out"
    listed = asked.dana.get("/api/decisions", params={"case": asked.id}).json()["decisions"]
    assert {row["id"]: row["undone_by"] for row in listed}[decision] == undone.json()["decision"]


def test_a_decision_is_undone_once(asked: Asked) -> None:
    decision = done(asked)
    asked.dana.post(f"/api/decisions/{decision}/undo")

    refused(asked.omar.post(f"/api/decisions/{decision}/undo"), 409)


def test_what_changed_nothing_cannot_be_undone(asked: Asked) -> None:
    no = asked.dana.post(f"/api/cases/{asked.id}/reject", json={"proposal": asked.proposal, "reason": "no"}).json()

    refused(asked.dana.post(f"/api/decisions/{no['decision']}/undo"), 409, detail="rejected", fix="nothing to undo")
    refused(asked.dana.post("/api/decisions/dec_nowhere/undo"), 404)
    refused(asked.dana.get("/api/decisions/dec_nowhere"), 404)


# Asking, incidents, the note


def test_whoever_may_asks_for_a_cancellation_over_the_api_and_joins_the_open_case(
    asked: Asked, visitors: Visitors
) -> None:
    with store.transaction() as db:
        ref = orders.get(db, asked.order).ref
    wish = {"action": "cancel", "order": ref}
    shop = visitors.a("integrator", "shop")
    opened = shop.post("/api/cases", json=wish)
    assert opened.status_code == 200
    assert shop.post("/api/cases", json=wish).json() == opened.json()
    assert asked.dana.get(f"/api/cases/{opened.json()['case']}").json()["kind"] == "cancel"
    assert visitors.a("driver", "van1-driver").post("/api/cases", json=wish).status_code == 403
    assert shop.post("/api/cases", json={"action": "postpone", "order": ref}).status_code == 403


def test_an_incident_is_declared_once_and_listed(asked: Asked) -> None:
    depot = asked.read()["depot"]
    said = {
        "kind": "storm",
        "depot": depot,
        "lat": 30.2,
        "lon": -97.7,
        "radius_m": 5000,
        "until": "2026-06-02T23:00:00Z",
    }
    first = asked.dana.post("/api/incidents", json=said)
    assert first.status_code == 200
    assert asked.dana.post("/api/incidents", json=said).json() == first.json()
    listed = asked.dana.get("/api/incidents", params={"depot": depot, "day": "2026-06-02"}).json()["incidents"]
    assert [(i["id"], i["kind"], i["percent"], i["lasts"]) for i in listed] == [
        (first.json()["incident"], "storm", 150, True)
    ]
    without = {k: v for k, v in said.items() if k != "radius_m"}
    assert asked.dana.post("/api/incidents", json=without).status_code in (400, 422)


def test_the_note_of_the_shift_comes_as_data_and_as_text(asked: Asked) -> None:
    note = asked.dana.get("/api/handover").json()
    assert asked.id in [case["case"] for case in note["open_cases"]]
    text = asked.dana.get("/api/handover", params={"format": "text"})
    assert text.headers["content-type"].startswith("text/plain")
    assert f"reschedule {asked.id} waiting" in text.text
