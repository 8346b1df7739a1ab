"""Questions about plans over HTTP, on the problem that each was made from."""

from __future__ import annotations

from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import DAY, DEPOT, a_depot, a_plan, a_van, an_order, stop_of

AT = f"/api/plans/{DEPOT}/{DAY.isoformat()}"


def two_versions(visitors: Visitors) -> dict[str, str]:
    """First B then A, the other way round, then A without B. Stops by name."""
    with store.transaction() as db:
        a_depot(db)
        a_van(db)
        made = {name: an_order(db, f"PQ-{name}", place) for name, place in (("A", 1), ("B", 2))}
        for names in ("BA", "AB", "A"):
            a_plan(db, {"van1": [made[name] for name in names]})
        return {name: stop_of(db, order_id) for name, order_id in made.items()}


def test_two_versions_stand_beside_each_other(visitors: Visitors) -> None:
    stops = two_versions(visitors)
    dispatcher = visitors.a("dispatcher")
    answer = dispatcher.get(f"{AT}/compare", params={"first": 1, "second": 2}).json()

    assert len(answer["moved"]) == 1
    assert (answer["dropped"], answer["gained"]) == ([], [])
    assert {payer["stop_id"] for payer in answer["payers"]} == set(stops.values())
    dropped = dispatcher.get(f"{AT}/compare", params={"first": 2, "second": 3}).json()
    assert dropped["dropped"] == [stops["B"]]
    assert (dropped["cents"] < 0, dropped["penalty_cents"] > 0) == (True, True)
    refused(dispatcher.get(f"{AT}/compare", params={"first": 1, "second": 9}), 404)


def test_a_stop_that_is_left_out_says_what_would_have_to_give(visitors: Visitors) -> None:
    stops = two_versions(visitors)
    dispatcher = visitors.a("dispatcher")
    answer = dispatcher.get(f"{AT}/3/unassigned/{stops['B']}").json()

    assert answer["stop_id"] == stops["B"]
    assert answer["reason"]
    assert {"refusals", "relaxations"} <= answer.keys()
    refused(dispatcher.get(f"{AT}/2/unassigned/{stops['B']}"), 404)
