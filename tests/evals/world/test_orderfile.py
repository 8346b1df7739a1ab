from __future__ import annotations

import pytest

from core.errors import BadFile
from evals.world import orderfile

HEAD = "ref,name,phone,address,lat,lon,window_start,window_end,service_min,pieces,depot\n"
GOOD = "A-1,Ada Blom,,1 Elm Road,52.10,4.30,09:00,11:00,6,2,\n"


def test_orders_of_a_csv_become_a_day_with_a_fleet_around_them() -> None:
    day = orderfile.from_csv(HEAD + GOOD + "A-2,Bo Dahl,,2 Elm Road,52.12,4.32,,,,,\n", seed=1, name="x")
    first, second = day.orders
    assert (first.window_start, first.window_end, first.service_s, first.pieces) == ("09:00", "11:00", 360, 2)
    assert (second.window_start, second.service_s, second.pieces) == (None, 240, 1)
    assert day.depots[0].point == (52.11, 4.31)
    assert len(day.vehicles) == 1


def test_customers_without_a_phone_get_one_of_fiction_of_their_own() -> None:
    day = orderfile.from_csv(HEAD + GOOD + GOOD.replace("A-1", "A-2"), seed=1, name="x")
    assert [order.phone for order in day.orders] == ["+12015550100", "+12015550101"]


def test_each_depot_that_rows_name_gets_its_own_vans() -> None:
    rows = "".join(f"{n},N,,a,{50 + n % 2},4.{n},,,,1,dep-{n % 2}\n" for n in range(8))
    day = orderfile.from_csv(HEAD + rows, seed=1, name="x")
    assert [depot.id for depot in day.depots] == ["dep-0", "dep-1"]
    assert {van.depot for van in day.vehicles} == {"dep-0", "dep-1"}
    assert len({van.id for van in day.vehicles}) == len({van.driver for van in day.vehicles}) == len(day.vehicles)
    phones = [driver.phone for driver in day.drivers] + [order.phone for order in day.orders]
    assert len(set(phones)) == len(phones)


def test_a_van_takes_the_largest_order() -> None:
    day = orderfile.from_csv(HEAD + "A-1,N,,a,50,4,,,,500,\n", seed=1, name="x")
    assert day.vehicles[0].pieces == 500


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        pytest.param(",N,,a,50,4,,,,,\n", "ref", "Row 2", id="no ref"),
        pytest.param("A-1,,,a,50,4,,,,,\n", "name", "Row 2", id="no name"),
        pytest.param("A-1,N,,a,fifty,4,,,,,\n", "lat", "valid number", id="a word for a latitude"),
        pytest.param("A-1,N,,a,nan,4,,,,,\n", "lat", "less than", id="not a number"),
        pytest.param("A-1,N,,a,91,4,,,,,\n", "lat", "less than or equal to 90", id="beyond the pole"),
        pytest.param("A-1,N,,a,50,4,9 am,11:00,,,\n", "window_start", "09:00", id="a time in another form"),
        pytest.param("A-1,N,,a,50,4,25:00,26:00,,,\n", "window_start", "09:00", id="no such hour"),
        pytest.param("A-1,N,,a,50,4,,,-3,,\n", "service_min", "greater than 0", id="negative service"),
        pytest.param("A-1,N,,a,50,4,,,,0,\n", "pieces", "greater than or equal to 1", id="no pieces"),
    ],
)
def test_a_broken_row_is_named_with_its_field(row: str, field: str, said: str) -> None:
    with pytest.raises(BadFile, match=said) as error:
        orderfile.from_csv(HEAD + row, seed=1, name="x")
    assert error.value.field == field


def test_the_row_is_counted_as_an_editor_counts_lines() -> None:
    with pytest.raises(BadFile, match="Row 3"):
        orderfile.from_csv(HEAD + GOOD + "A-2,N,,a,x,4,,,,,\n", seed=1, name="x")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BadFile, match="no column lat"):
        orderfile.from_csv("ref,name,address,lon\n", seed=1, name="x")


def test_one_ref_twice_is_refused() -> None:
    with pytest.raises(BadFile, match="A-1 is in the file twice"):
        orderfile.from_csv(HEAD + GOOD + GOOD, seed=1, name="x")
