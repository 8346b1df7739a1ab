"""Headers as other programs write them, and what is said when they are unclear."""

from __future__ import annotations

import pytest

from api.imports.headers import columns, field_of, require
from api.imports.mapping import ColumnMap, is_field
from api.imports.words import HEADERS
from core.errors import BadFile

ANY = ColumnMap()

NAMES: list[tuple[str, str | None]] = [
    ("Order #", "ref"), ("ORDER_ID", "ref"), ("order-id", "ref"), ("  Order   No. ", "ref"), ("Order\nNumber", "ref"),
    ("Customer Name", "name"), ("Ship To Address 1", "address1"), ("Zip", "postal_code"), ("ZIP Code", "postal_code"),
    ("Time Window From", "window_start"), ("time window to", "window_end"), ("Window Start 2", "window_start_2"),
    ("window_end_3", "window_end_3"), ("Lng", "lon"), ("Latitude", "lat"), ("Qty", "pieces"),
    ("Weight", "weight_kg"), ("Weight (lb)", "weight_lb"), ("weight_oz", "weight_oz"), ("Gross weight [g]", "weight_g"),
    ("Volume (m³)", "volume_m3"), ("Volume ft3", "volume_ft3"), ("Cube (cu ft)", "volume_cuft"),
    ("Service time (min)", "service_min"), ("Service time", "service_min"), ("duration s", "service_s"),
    ("Delivery Date", "day"), ("Type", "kind"), ("Special Instructions", "notes"), ("Two-man", "crew"),
    ("Nº Pedido", "ref"), ("Teléfono", "phone"), ("Código Postal", "postal_code"), ("Peso (kg)", "weight_kg"),
    ("Dirección", "address"), ("Número do pedido", None), ("Endereço", "address"), ("CEP", "postal_code"),
    ("Observações", "notes"), ("Straße", "address1"), ("Hausnummer", None), ("PLZ", "postal_code"), ("Ort", "city"),
    ("Empfänger", "name"), ("Zeitfenster von", "window_start"), ("Gewicht (g)", "weight_g"), ("Stückzahl", "pieces"),
    ("Code postal", "postal_code"), ("N° de commande", "ref"), ("Destinataire", "name"), ("Créneau fin", "window_end"),
    ("Poids", "weight_kg"), ("Sales rep", None), ("weight (stone)", None), ("", None), ("Window Start 1", None),
    ("ref\0", None),
]  # fmt: skip


@pytest.mark.parametrize(("header", "ours"), NAMES, ids=[repr(row[0]) for row in NAMES])
def test_a_header_is_known_by_its_word_however_it_is_written(header: str, ours: str | None) -> None:
    assert field_of(header) == ours


def test_every_word_means_a_field_that_rows_know() -> None:
    assert all(is_field(str(field_of(word))) for word in HEADERS)


def test_what_nobody_knows_is_ignored_and_named_unless_the_mapping_says_so() -> None:
    found = columns(["Order #", "Sales rep", "Margin"], ColumnMap(ignore=("Margin",)))

    assert dict(found.fields) == {"Order #": "ref"}
    assert found.ignored == ("Sales rep",)


@pytest.mark.parametrize(
    ("header", "both"),
    [
        (["Order #", "Order ID", "Name"], ("'Order #'", "'Order ID'")),
        (["ref", "Weight (lb)", "Weight (kg)"], ("'Weight (lb)'", "'Weight (kg)'")),
        (["Lat", "Latitude"], ("'Lat'", "'Latitude'")),
    ],
    ids=["two references", "one weight in two units", "two latitudes"],
)
def test_two_columns_for_one_field_are_an_error_that_names_both(header: list[str], both: tuple[str, ...]) -> None:
    with pytest.raises(BadFile) as caught:
        require(columns(header, ANY), ANY)
    assert all(name in caught.value.what for name in both)
    assert "mapping" in caught.value.fix


def test_a_mapping_settles_which_of_two_columns_counts() -> None:
    found = columns(["Order #", "Order ID"], ColumnMap(columns={"ref": "Order ID"}))

    assert dict(found.fields) == {"Order ID": "ref"}
    assert found.ignored == ("Order #",)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (["Name", "Address"], "ref"),
        (["Order", "Address"], "name"),
        (["Order", "Name"], "address"),
        (["Order", "Name", "Lat"], "address"),
        (["Order", "Name", "City", "Zip"], "address"),
    ],
    ids=["no reference", "no name", "no place", "half a place", "a town is no door"],
)
def test_a_table_without_what_every_order_needs_is_refused_whole(header: list[str], field: str) -> None:
    with pytest.raises(BadFile) as caught:
        require(columns(header, ANY), ANY)
    assert caught.value.field == field
    assert all(name in caught.value.what for name in header)
    assert caught.value.fix


def test_a_constant_stands_for_a_column() -> None:
    mapping = ColumnMap(constants={"name": "Resident"})
    require(columns(["Order", "Address"], mapping), mapping)


def test_a_column_that_the_mapping_names_must_be_there() -> None:
    with pytest.raises(BadFile, match="'Beleg'") as caught:
        columns(["Order", "Name"], ColumnMap(columns={"ref": "Beleg"}))
    assert "'Order'" in caught.value.fix
