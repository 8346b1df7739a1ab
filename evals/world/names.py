"""Invented people, streets and quarters. Every phone number is of the range kept for fiction (555-0100 to 555-0199)."""

from __future__ import annotations

from random import Random


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


FIRST = _words(
    "Ada Amir Anouk Bea Boris Carla Chen Dalia Dmitri Edith Emre Fatima Felix Greta Hana Hugo Ines Ivan "
    "Jana Jonas Kaya Kenji Lena Liam Mara Mateo Mina Nadia Nils Olga Omar Paula Pavel Quinn Rosa Ravi "
    "Sofia Stefan Tara Tomas Uma Viktor Wanda Xavier Yara Yusuf Zoe Zoltan"
)
LAST = _words(
    "Abbot Adeyemi Becker Blom Castro Cho Dahl Diaz Eder Farrow Fuchs Gallo Haddad Hale Ibarra Ito Jansen "
    "Kaur Keller Lund Marsh Moreau Nagy Novak Okafor Ortiz Park Perez Quist Rao Reyes Sato Silva Stone "
    "Tanaka Urban Vance Vogel Walsh Weber Yilmaz Young Zeman Ziegler"
)
STREETS = _words(
    "Alder Amber Anchor Ash Barley Beacon Birch Bramble Brook Candle Cedar Chapel Clover Cooper Copper "
    "Crane Dovetail Elm Falcon Fern Foundry Garnet Glass Harbour Hazel Heron Ivy Juniper Kiln Lantern "
    "Larch Linden Maple Marble Meadow Mill Nettle Oak Orchard Pearl Poplar Quarry Quay Raven Rowan "
    "Saddler Sparrow Spindle Tanner Thistle Walnut Willow"
)
KINDS = ("Street", "Street", "Road", "Avenue", "Lane", "Way", "Court")
QUARTERS = (
    "Harrow Vale",
    "Saltmarket",
    "Kingsmere",
    "Tallow Hill",
    "Old Ferry",
    "Northgate",
    "Brickfields",
    "Upper Wick",
    "Lowmoor",
    "Gannet Bay",
    "Priory Park",
    "Stonebridge",
)
NUMBERS_AN_AREA = 100


def phone(nth: int) -> str:
    """The nth number, each its own: two customers with one phone would be one person."""
    area, line = divmod(nth, NUMBERS_AN_AREA)
    if area >= 700:
        raise ValueError("70,000 numbers of fiction are all there are.")
    return f"+1{201 + area}55501{line:02d}"


def person(rng: Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def street(rng: Random) -> str:
    return f"{rng.choice(STREETS)} {rng.choice(KINDS)}"
