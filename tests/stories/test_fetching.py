"""Story: a driver brings one order, fetches another and repairs at a third door, all by the driver's API. What was
fetched is with the customer, then on the van, then at the depot, and the day's goods reconcile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.limits import Limits
from core import custody, fetching, orders, people, principals, reconciliation
from core.store import db as store
from core.store.tables import case
from tests.living import DAY, Living, a_depot, a_plan, a_van, an_order, at, stop_of, who

KINDS = {"D1": "delivery", "P1": "pickup", "R1": "return", "S1": "service"}


class Round:
    """A van on its round, and its driver's phone."""

    def __init__(self, living: Living) -> None:
        self.living = living
        with store.transaction() as db:
            a_depot(db)
            a_van(db)
            a_van(db, "van2")
            self.orders = {
                ref: an_order(db, ref, place, kind=kind, parcels=("L1", "L2") if kind == "pickup" else ())
                for place, (ref, kind) in enumerate(KINDS.items(), 1)
            }
            a_plan(db, {"van1": list(self.orders.values()), "van2": []})
            self.stops = {ref: stop_of(db, made) for ref, made in self.orders.items()}
            self.people = {ref: orders.get(db, made).person_id for ref, made in self.orders.items()}
        self.phones = {van: self._phone(van) for van in ("van1", "van2")}
        self.tap("loaded", "07:50", data={"orders": [self.orders["D1"]]})
        self.tap("departed", "08:00")

    def _phone(self, van: str) -> TestClient:
        with store.transaction() as db:
            token = principals.issue(db, who(db, "driver", f"{van}-driver"))
        client = TestClient(create_app(Limits({})), raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def tap(self, kind: str, time: str, *, van: str = "van1", ref: str = "", **tap: Any) -> dict[str, Any]:
        self.living.to(at(time))
        about = {"stop": self.stops[ref], "order": self.orders[ref]} if ref and kind != "arrived" else {}
        about |= {"stop": self.stops[ref]} if ref else {}
        sent = {"key": f"{van}:{kind}:{ref}:{time}", "kind": f"driver.{kind}", "at": at(time).isoformat()} | about | tap
        answer = self.phones[van].post("/api/v1/events", json={"events": [sent]})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()["results"][0]
        return said

    def route(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.phones["van1"].get("/api/v1/driver/route").json()["stops"]
        return found

    def holders(self, ref: str) -> set[str]:
        with store.transaction() as db:
            return custody.holders(db, self.orders[ref])

    def status(self, ref: str) -> str:
        with store.transaction() as db:
            return str(orders.get(db, self.orders[ref]).status)


@pytest.fixture
def out(living: Living) -> Round:
    return Round(living)


def test_a_round_that_brings_fetches_and_repairs(out: Round) -> None:
    assert [stop["orders"][0]["kind"] for stop in out.route()] == list(KINDS.values())
    assert out.holders("P1") == {f"customer:{out.people['P1']}"}
    out.tap("arrived", "08:10", ref="D1")
    out.tap("delivered", "08:13", ref="D1", data={"proof": {"kind": "photo"}})
    out.tap("arrived", "08:20", ref="P1")
    fetched = out.tap("fetched", "08:24", ref="P1", data={"barcodes": ["L1", "L2"], "proof": {"kind": "signature"}})
    assert fetched["result"] == "accepted"
    assert (out.holders("P1"), out.status("P1")) == ({"van:van1"}, "fetched")
    out.tap("arrived", "08:30", ref="R1")
    assert out.tap("fetched", "08:33", ref="R1")["result"] == "accepted", "a tap will do where nothing is labelled"
    out.tap("arrived", "08:40", ref="S1")
    assert out.tap("delivered", "08:55", ref="S1", data={"proof": {"kind": "note", "note": "Fitted."}})["result"] == (
        "accepted"
    )
    assert all(stop["done"] for stop in out.route())
    assert out.tap("finished", "09:10")["result"] == "accepted"
    assert (out.holders("P1"), out.holders("R1")) == ({"depot:dep"}, {"depot:dep"})
    assert [out.status(ref) for ref in KINDS] == ["delivered", "fetched", "fetched", "delivered"]
    with store.transaction() as db:
        line = reconciliation.of_day(db, DAY)
        assert (line.mismatches, line.left_behind, line.agrees) == ((), (), True)
        assert line.parcels == {"customer": 1, "depot": 3}


def test_the_same_tap_again_fetches_nothing_twice(out: Round) -> None:
    for said in ("accepted", "duplicate"):
        assert out.tap("fetched", "08:24", ref="R1")["result"] == said
    again = out.tap("fetched", "08:25", ref="R1")
    assert (again["result"], again["field"]) == ("rejected", "order")


def test_a_label_that_is_not_there_stays_with_the_customer_and_is_looked_for(out: Round) -> None:
    assert "were scanned" in out.tap("fetched", "08:23", ref="P1", data={"barcodes": ["L1"]})["reason"]
    assert out.holders("P1") == {f"customer:{out.people['P1']}"}, "the scan counts as a whole or not at all"
    out.tap("fetched", "08:24", ref="P1", data={"barcodes": ["L1"], "short": True})
    assert out.holders("P1") == {"van:van1", f"customer:{out.people['P1']}"}
    with store.transaction() as db:
        (row,) = db.execute(case.select().where(case.c.kind == "custody_mismatch")).all()
        assert (row.subject, row.facts["what"]) == (out.orders["P1"], "door")
        assert reconciliation.of_day(db, DAY).mismatches == (
            (out.orders["P1"], "fetched, but a parcel is with the customer"),
        )


@pytest.mark.parametrize(
    ("tapped", "words"),
    [
        (lambda r: r.tap("fetched", "08:24", ref="D1"), "which is a delivery"),
        (lambda r: r.tap("delivered", "08:24", ref="P1", data={"proof": {"kind": "photo"}}), "is a pickup"),
        (lambda r: r.tap("fetched", "08:24", ref="P1", van="van2"), "fetched by van1"),
        (lambda r: r.tap("fetched", "08:24", ref="S1"), "which is a service"),
    ],
)
def test_what_is_not_to_be_fetched_here_is_refused(
    out: Round, tapped: Callable[[Round], dict[str, Any]], words: str
) -> None:
    said = tapped(out)
    assert said["result"] == "rejected"
    assert words in said["reason"]


def test_a_customer_who_is_not_there_is_a_failed_attempt_and_is_fetched_the_second_time(out: Round) -> None:
    out.tap("arrived", "08:20", ref="P1")
    assert out.tap("failed", "08:24", ref="P1", data={"reason": "nobody_home"})["result"] == "accepted"
    assert (out.status("P1"), out.holders("P1")) == ("failed", {f"customer:{out.people['P1']}"})
    with store.transaction() as db:
        assert db.execute(case.select().where(case.c.kind == "failed_attempt")).one().subject == out.orders["P1"]
    assert out.tap("fetched", "10:00", ref="P1", data={"barcodes": ["L1", "L2"]})["result"] == "accepted"
    assert out.status("P1") == "fetched"


def test_who_has_been_fetched_from_can_be_forgotten(out: Round) -> None:
    out.tap("fetched", "08:24", ref="R1")
    assert set(people.ENDED) == orders.FINAL
    assert fetching.FETCHED in orders.FINAL
    with store.transaction() as db:
        people.erase(db, out.people["R1"], at("09:00"))
