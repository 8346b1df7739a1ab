"""Load scan and return scan against what should be there: a wrong parcel says what to do with it, a person finds a
missing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Row, select

from core import custody, orders, reconciliation, scans
from core.custody import Mismatch
from core.errors import BadInput, WrongState
from core.store.tables import case
from tests.living import DAY, a_depot, a_plan, a_van, an_order, at, deliver, load_and_leave, tap


class Dock:
    """van1 has A1 (two parcels) and A2, van2 has B1; N1 is on no route, C1 was cancelled."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        a_depot(db)
        for van in ("van1", "van2"):
            a_van(db, van)
        self.a1 = an_order(db, "A1", 1, parcels=("L1", "L2"))
        self.a2, self.b1 = an_order(db, "A2", 2), an_order(db, "B1", 3)
        a_plan(db, {"van1": [self.a1, self.a2], "van2": [self.b1]})
        self.n1, self.c1 = an_order(db, "N1", 4), an_order(db, "C1", 2)
        orders.set_status(db, [self.c1], "cancelled")

    def load(self, *order_ids: str, van: str = "van1", **data: Any) -> None:
        tap(self.db, "loaded", van, at("07:50"), orders=list(order_ids), **data)

    def cases(self) -> list[Row[Any]]:
        query = select(case).where(case.c.kind == scans.KIND).order_by(case.c.opened_at, case.c.id)
        return list(self.db.execute(query))


@pytest.fixture
def dock(record: Connection) -> Dock:
    return Dock(record)


@pytest.mark.parametrize(
    ("which", "said", "fix"),
    [
        (lambda d: d.b1, "goes with van2", "where van2 loads"),
        (lambda d: d.n1, "on no route today", "dispatcher finds it a place"),
        (lambda d: d.c1, "is cancelled", "back on the shelf"),
    ],
)
def test_a_wrong_parcel_is_refused_with_what_to_do(
    dock: Dock, which: Callable[[Dock], str], said: str, fix: str
) -> None:
    with pytest.raises(WrongState, match=said) as refused:
        dock.load(dock.a2, which(dock))
    assert fix in refused.value.fix
    assert refused.value.field == which(dock)
    assert custody.holders(dock.db, dock.a2) == {"depot:dep"}, "the scan counts as a whole or not at all"


def test_labels_say_which_parcels_are_there(dock: Dock) -> None:
    with pytest.raises(WrongState, match="2 parcels, 1 of them") as refused:
        dock.load(dock.a1, barcodes=["L1"])
    assert "data.short" in refused.value.fix
    dock.load(dock.a1, barcodes=["L1", "L2"])
    assert custody.holders(dock.db, dock.a1) == {"van:van1"}
    assert dock.cases() == []


def test_a_missing_parcel_stays_at_the_depot_and_is_looked_for(dock: Dock) -> None:
    dock.load(dock.a1, barcodes=["L1"], short=True)
    assert custody.parcels(dock.db, dock.a1) == {
        custody.parcel_id(dock.a1, "L1"): "van:van1", custody.parcel_id(dock.a1, "L2"): "depot:dep"
    }  # fmt: skip
    (row,) = dock.cases()
    assert (row.facts["what"], row.facts["order"]) == ("load", dock.a1)
    assert reconciliation.of_day(dock.db, DAY).parcels["van_with_case"] == 1


def test_labels_that_are_no_list_are_refused(dock: Dock) -> None:
    with pytest.raises(BadInput) as refused:
        dock.load(dock.a1, barcodes="L1")
    assert refused.value.field == "data.barcodes"


def test_what_a_van_leaves_without_is_one_case(dock: Dock) -> None:
    dock.load(dock.a2)
    tap(dock.db, "departed", "van1", at("08:00"))
    (row,) = dock.cases()
    assert (row.facts["what"], row.facts["orders"], row.facts["vehicle"]) == ("left_behind", [dock.a1], "van1")


def test_goods_that_the_record_has_elsewhere_are_refused_as_a_contradiction(dock: Dock) -> None:
    dock.load(dock.a2)
    tap(dock.db, "departed", "van1", at("08:00"))
    with pytest.raises(Mismatch, match="van:van1") as refused:
        tap(dock.db, "delivered", "van2", at("09:00"), dock.a2, proof={"kind": "photo"})
    assert refused.value.order_id == dock.a2


def test_the_last_stop_is_loaded_first(dock: Dock) -> None:
    tap(dock.db, "loaded", "van1", at("07:50"), orders=[dock.a2])
    shown = scans.loading_order(dock.db, "van1")
    assert [(row["place"], row["ref"], row["parcels"], row["loaded"]) for row in shown] == [
        (2, "A2", 1, 1),
        (1, "A1", 2, 0),
    ]


# Off the van


def out(dock: Dock) -> None:
    load_and_leave(dock.db, "van1", [dock.a1, dock.a2], at("08:00"))


def test_without_a_return_scan_all_that_is_aboard_came_back(dock: Dock) -> None:
    out(dock)
    tap(dock.db, "finished", "van1", at("12:00"))
    assert custody.aboard(dock.db, "van1") == []
    assert {orders.get(dock.db, each).status for each in (dock.a1, dock.a2)} == {"returned"}


def test_what_the_return_scan_misses_stays_aboard_and_is_looked_for(dock: Dock) -> None:
    out(dock)
    tap(dock.db, "finished", "van1", at("12:00"), returned=[dock.a1])
    assert custody.aboard(dock.db, "van1") == [dock.a2]
    (row,) = dock.cases()
    assert (row.facts["what"], row.facts["orders"]) == ("not_returned", [dock.a2])
    tap(dock.db, "finished", "van1", at("12:30"), returned=[dock.a2])
    assert custody.aboard(dock.db, "van1") == [], "it was found behind the seat and scanned"


def test_goods_of_a_second_attempt_are_known_by_the_first_ones_number(dock: Dock) -> None:
    again = an_order(dock.db, "A2/2", 2)
    out(dock)
    assert orders.goods(orders.get(dock.db, again)) == orders.goods(orders.get(dock.db, dock.a2))


def test_a_delivery_of_part_of_an_order_leaves_a_line_with_a_case(dock: Dock) -> None:
    dock.load(dock.a1, barcodes=["L1"], short=True)
    dock.load(dock.a2)
    tap(dock.db, "departed", "van1", at("08:00"))
    deliver(dock.db, "van1", dock.a1, at("08:20"))
    found = reconciliation.of_day(dock.db, DAY)
    assert [what for _, what in found.mismatches] == ["delivered, but a parcel is at depot"]
    assert [line.case is not None for line in found.lines if line.order == dock.a1] == [True]
