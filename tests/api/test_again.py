"""Standing orders, doors and usual routes over HTTP."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from core import orders
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import DAY, DEPOT, HOME, STEP, a_plan, an_order, customer_of

ROWS = f"""ref,name,phone,address,lat,lon,window_start,window_end,weekdays,until
W1,Ana Gil,+15550100301,1 Long Road,{HOME[0] + STEP},{HOME[1]},09:00,11:00,daily,2099-01-01
W2,Bo Ek,+15550100302,2 Long Road,{HOME[0] + 2 * STEP},{HOME[1]},,,funday,
W3,Cy Lu,+15550100303,3 Long Road,{HOME[0] + 3 * STEP},{HOME[1]},,,"mo, Do; 6",
"""


@pytest.fixture
def caller(visitors: Visitors) -> TestClient:
    return visitors.a("admin")


def test_rows_that_name_weekdays_are_standing_orders(caller: TestClient) -> None:
    query = f"/api/imports?depot={DEPOT}&day={DAY.isoformat()}"
    done = caller.post(query, content=ROWS.encode()).json()
    assert done["accepted"] == 2
    assert [(r["row"], r["field"]) for r in done["rejected"]] == [(2, "weekdays")]
    listed = caller.get(f"/api/standing?depot={DEPOT}").json()["standing"]
    found = {row["ref"]: row for row in listed}
    assert (found["W3"]["weekdays"], found["W1"]["windows_s"]) == ([1, 4, 6], [[9 * 3600, 11 * 3600]])
    assert "Ana" not in str(listed), "names stay with the person"
    mine = [row["ref"] for row in caller.get(f"/api/orders?depot={DEPOT}&day={DAY.isoformat()}").json()["orders"]]
    assert f"W1@{DAY.isoformat()}" in mine
    again = caller.post(query, content=ROWS.encode()).json()
    assert (again["accepted"], again["unchanged"]) == (0, 2)


def test_a_day_is_skipped_made_and_the_order_ended(caller: TestClient) -> None:
    caller.post(f"/api/imports?depot={DEPOT}&day={DAY.isoformat()}", content=ROWS.encode())
    one = next(r for r in caller.get(f"/api/standing?depot={DEPOT}").json()["standing"] if r["ref"] == "W1")
    skipped = caller.post(f"/api/standing/{one['id']}/skip", json={"day": "2026-09-01"}).json()
    assert skipped == {"skipped": ["2026-09-01"]}
    for day, count in (("2026-09-01", 0), ("2026-09-02", 1)):
        made = caller.post("/api/standing/orders", json={"depot": DEPOT, "day": day}).json()["orders"]
        assert len([each for each in made if _ref(each) == f"W1@{day}"]) == count
    assert caller.delete(f"/api/standing/{one['id']}").status_code == 204
    refused(caller.delete(f"/api/standing/{one['id']}"), 404)


def _ref(order_id: str) -> str:
    with store.snapshot() as db:
        return str(orders.get(db, order_id).ref)


def test_a_door_is_remembered_and_a_place_that_a_person_set_too(caller: TestClient) -> None:
    with store.transaction() as db:
        made = an_order(db, "DOOR-1", 4, address="7 Oak Way", lat=None, lon=None)
        person = orders.get(db, made).person_id
    where = {"lat": HOME[0] + 5 * STEP, "lon": HOME[1]}
    caller.put(f"/api/orders/{made}/place", json=where)
    assert caller.get(f"/api/people/{person}/doors").json()["doors"][0]["lat"] == where["lat"]
    caller.put(f"/api/people/{person}/doors", json={"address": "7 oak way", "notes": "Back door."})
    [door] = caller.get(f"/api/people/{person}/doors").json()["doors"]
    assert (door["notes"], door["lat"]) == ("Back door.", where["lat"])
    bad = refused(caller.put(f"/api/people/{person}/doors", json={"address": "x", "lat": 3}), 422)
    assert "both lat and lon" in str(bad)


def test_usual_routes_come_from_a_plan_and_a_plan_from_them(caller: TestClient) -> None:
    with store.transaction() as db:
        ids = [an_order(db, f"US-{n}", n) for n in (1, 2)]
        a_plan(db, {"van1": ids})
        first = customer_of(db, ids[0]).subject
    put = caller.put(f"/api/depots/{DEPOT}/routes/Tuesday", json={"day": DAY.isoformat()})
    assert put.json()["routes"]["van1"] >= 2
    assert caller.get(f"/api/depots/{DEPOT}/routes").json()["routes"]["Tuesday"]["van1"].count(first) == 1
    refused(caller.put(f"/api/depots/{DEPOT}/routes/x", json={}), 422)
    unknown = {"depot": DEPOT, "day": DAY.isoformat(), "start": "Sunday"}
    assert refused(caller.post("/api/plans", json=unknown), 404)["field"] == "start"
    assert "run" in caller.post("/api/plans", json=unknown | {"start": "Tuesday"}).json()
    assert caller.delete(f"/api/depots/{DEPOT}/routes/Tuesday").status_code == 204
