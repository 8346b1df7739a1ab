"""One spelling for one door. Messy real addresses never break it; how many come apart rightly is printed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.orders import Address
from tools.geocoder.normalise import Parsed, parse, parse_line, same_place

SAME: list[tuple[str, str, str]] = [
    ("1745 T Street Southeast, Washington, DC 20020", "1745 t st se washington dc 20020", "street types, directions"),
    (
        "560 N. Main Ave., Apt 4B, Reno, NV 89501",
        "560 North Main Avenue, Reno, Nevada 89501-1234",
        "units, names, ZIP+4",
    ),
    ("5 Elm St #12, Austin, TX", "5 ELM STREET, AUSTIN, TEXAS, USA", "number signs, capitals, the country"),
    ("219 South Dearborn Second Floor, Chicago, IL", "219 S Dearborn, Fl 2, Chicago, IL", "floors in words"),
    ("12 Fifth Avenue, New York, NY 10011", "12 5th Ave, New York, NY 10011", "numbers in words"),
    ("8 O'Brien Ct, Reno, NV", "8 OBrien Court, Reno NV", "apostrophes"),
    ("Calle Mayor 5, Madrid", "5 Calle Mayor, Madrid", "the number behind the street"),
    ("14 Rue de l’Église", "14 rue de l'eglise", "accents"),
]


@pytest.mark.parametrize(("one", "other", "why"), SAME, ids=[row[2] for row in SAME])
def test_two_ways_to_write_a_door_are_one(one: str, other: str, why: str) -> None:
    first, second = parse_line(one), parse_line(other)
    assert (first.number, first.street, first.city, first.state) == (
        second.number, second.street, second.city, second.state,
    ), why  # fmt: skip
    assert first.to_the_door


APART: list[tuple[str, str]] = [
    ("17 T St SE, Washington, DC", "17 T St NE, Washington, DC"),
    ("17 Elm St, Reno, NV", "17 Elm Ave, Reno, NV"),
    ("17 Elm St, Reno, NV", "19 Elm St, Reno, NV"),
    ("5 1st St", "5 2nd St"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_doors_stay_two(one: str, other: str) -> None:
    first, second = parse_line(one), parse_line(other)
    assert (first.number, first.street) != (second.number, second.street)


def test_a_line_comes_apart() -> None:
    assert parse_line("2610 West 25th Place, Lower level, Chicago, Illinois 60608-2210, USA") == Parsed(
        number="2610", street="w 25th pl", unit="lower level", city="chicago", state="il", postal_code="60608"
    )


def test_parts_that_were_sent_count_and_what_they_lack_is_read_from_the_line() -> None:
    found = parse(Address(line1="5 Elm St, Reno, NV 89501", line2="Unit 3", state="Nevada", postal_code="89502"))
    assert (found.number, found.street, found.state, found.postal_code) == ("5", "elm st", "nv", "89502")
    assert parse(Address(line1="Acme Corp", line2="5 Elm St")).street == "elm st", "a company stands above its street"


@pytest.mark.parametrize(
    ("one", "other", "same", "why"),
    [
        (Parsed(postal_code="1", city="a"), Parsed(postal_code="1", city="b"), True, "one postal code has many names"),
        (Parsed(postal_code="1", city="a"), Parsed(postal_code="2", city="a"), False, "one town has many codes"),
        (Parsed(city="a", state="x"), Parsed(city="a", state="y"), False, "many states have a Springfield"),
        (Parsed(city="a"), Parsed(city="a", postal_code="1"), True, "what is not said does not part them"),
        (Parsed(city="a"), Parsed(city="b"), False, "two towns"),
        (Parsed(), Parsed(city="b", state="y"), True, "nothing is said"),
    ],
)
def test_two_addresses_may_lie_in_one_town(one: Parsed, other: Parsed, same: bool, why: str) -> None:
    assert same_place(one, other) is same, why
    assert same_place(other, one) is same, why


WORDS = ("12", "12a", "5th", "#", "apt", "st.", "n", "se", ",", "tx", "78701", "usa", "box", "po")


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(
    st.text(max_size=80),
    st.lists(st.sampled_from(WORDS), max_size=9),
)
def test_any_text_can_be_read_and_reading_it_twice_is_the_same(text: str, words: list[str]) -> None:
    line = f"{text} {' '.join(words)}"
    assert parse_line(line) == parse_line(line)
    assert parse_line(line.upper()) == parse_line(line.upper().lower()) or not line.isascii()


def labelled(file: Path) -> list[tuple[str, dict[str, str]]]:
    """(the address as it was written, label -> its words)."""
    found = []
    for row in ElementTree.parse(file).getroot():  # noqa: S314
        labels: dict[str, list[str]] = {}
        for token in row:
            labels.setdefault(token.tag, []).append((token.text or "").strip(" ,.;#()").lower())
        found.append(("".join(row.itertext()), {name: " ".join(words) for name, words in labels.items()}))
    return found


def test_messy_real_addresses_never_break_it(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = labelled(shared_data / "addresses" / "usaddress_labeled.xml")
    parsed = [(parse_line(text), labels) for text, labels in rows]
    houses = [(found, labels) for found, labels in parsed if {"AddressNumber", "StreetName"} <= labels.keys()]
    figures = {"to the door": (sum(found.to_the_door for found, _ in houses), len(houses))}
    for label, name in (("AddressNumber", "number"), ("ZipCode", "postal_code"), ("PlaceName", "city")):
        those = [(getattr(found, name), labels[label]) for found, labels in parsed if label in labels]
        right = sum(got.split(" ")[0] == said[:5] if name == "postal_code" else got == said for got, said in those)
        figures[name] = (right, len(those))
    with capsys.disabled():
        parts = ", ".join(f"{name} {right} of {of} ({100 * right / of:.1f} %)" for name, (right, of) in figures.items())
        print(f"\n{len(rows)} messy addresses, none broke it; as labelled: {parts}")
    assert len(rows) > 1000
    assert all(right / of > least for (right, of), least in zip(figures.values(), (0.92, 0.9, 0.95, 0.65), strict=True))
