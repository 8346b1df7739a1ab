"""A carrier without a network: a flat tariff by weight and distance, so that quotes work offline, always the same.

    US cents a piece      up to 25 km   up to 100 km   up to 500 km   up to 3,000 km
    up to  1 kg                   690            890          1,090            1,490
    up to  5 kg                   890          1,190          1,490            2,190
    up to 15 kg                 1,290          1,790          2,390            3,690
    up to 30 kg                 1,890          2,690          3,690            5,890

Distance is the straight line. Delivery is the next working day up to 100 km, then one working day more a band. Same
day costs 1,200 more a piece and goes 25 km far; collected from a van on the road, 900 more again. Nothing is picked up
or delivered on Saturdays and Sundays.
"""

from __future__ import annotations

from datetime import date, timedelta
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

from core import canonical
from tools.carriers.port import Booked, Collection, Parcel, Place, Quote, Refusal, Unclear

BANDS_M = (25_000, 100_000, 500_000, 3_000_000)
WORKING_DAYS = (1, 1, 2, 3)
TARIFF: tuple[tuple[int, tuple[int, ...]], ...] = (
    (1_000, (690, 890, 1_090, 1_490)),
    (5_000, (890, 1_190, 1_490, 2_190)),
    (15_000, (1_290, 1_790, 2_390, 3_690)),
    (30_000, (1_890, 2_690, 3_690, 5_890)),
)
"""(grams up to, cents for each band of distance)"""
SAME_DAY_EXTRA, ROADSIDE_EXTRA = 1_200, 900
_SOURCE = "flat tariff, tools/carriers/flat.py"


class FlatTariff:
    carrier = "flat"

    def quote(
        self, parcel: Parcel, origin: Place, to: Place, day: date, *, roadside: bool = False
    ) -> tuple[Quote | Refusal, ...]:
        answers = self._from_depot(parcel, origin, to, day)
        return tuple(_collected(each, parcel.pieces) for each in answers[:1]) if roadside else answers

    def _from_depot(self, parcel: Parcel, origin: Place, to: Place, day: date) -> tuple[Quote | Refusal, ...]:
        band = next((at for at, far in enumerate(BANDS_M) if metres(origin, to) <= far), None)
        each_g = -(-parcel.weight_g // parcel.pieces)
        prices = next((prices for heavy, prices in TARIFF if each_g <= heavy), None)
        if day.weekday() >= 5:
            return tuple(_refusal(service, "day_not_served") for service in ("same_day", "standard"))
        if prices is None:
            return tuple(_refusal(service, "too_heavy") for service in ("same_day", "standard"))
        if band is None:
            return tuple(_refusal(service, "too_far") for service in ("same_day", "standard"))
        standard = _quote("standard", prices[band] * parcel.pieces, day, _working_days(day, WORKING_DAYS[band]))
        if band > 0:
            return (_refusal("same_day", "too_far"), standard)
        return (_quote("same_day", (prices[0] + SAME_DAY_EXTRA) * parcel.pieces, day, day), standard)


def _collected(same_day: Quote | Refusal, pieces: int) -> Quote | Refusal:
    """The same day's service, from the driver of a van instead of the dock."""
    extra = {"cost_cents": same_day.cost_cents + ROADSIDE_EXTRA * pieces} if isinstance(same_day, Quote) else {}
    return same_day.model_copy(update={"service": "collected", **extra})


_WHY = {
    "too_heavy": f"a piece is over {TARIFF[-1][0] // 1000} kg",
    "too_far": "the way is longer than this service goes",
    "day_not_served": "nothing is picked up on Saturdays and Sundays",
}


class FlatBooking:
    """Bookings of the built-in carrier: a folder with an empty file for each, which its dispatchers read. Making a file
    twice is making it once, in however many processes."""

    carrier = FlatTariff.carrier

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def book(self, wanted: Collection) -> Booked | Unclear:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / _ref(wanted.key)).touch()
        except OSError:
            return Unclear(key=wanted.key)
        return Booked(key=wanted.key, ref=_ref(wanted.key))

    def find(self, key: str) -> Booked | Unclear | None:
        return Booked(key=key, ref=_ref(key)) if (self._folder / _ref(key)).exists() else None


def _ref(key: str) -> str:
    return canonical.short("flt", key)


def metres(a: Place, b: Place) -> int:
    """The straight line, in metres."""
    up, right = radians(b.lat - a.lat), radians(b.lon - a.lon)
    chord = sin(up / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(right / 2) ** 2
    return round(2 * 6_371_009 * asin(sqrt(min(chord, 1.0))))


def _working_days(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _quote(service: str, cents: int, day: date, delivery: date) -> Quote:
    return Quote(
        carrier=FlatTariff.carrier,
        service=service,
        cost_cents=cents,
        currency="USD",
        pickup=day,
        delivery=delivery,
        source=_SOURCE,
    )


def _refusal(service: str, reason: str) -> Refusal:
    return Refusal.model_validate(
        {"carrier": FlatTariff.carrier, "service": service, "reason": reason, "detail": _WHY[reason]}
    )
