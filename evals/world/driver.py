"""A driver with a van, as a state machine: load, depart, drive, arrive, serve, deliver or fail, next, return, finish;
and out again, when there is work and shift left.

A driver knows the route on the phone and what is in the van. `until(t)` returns what happened by then, for the run to
send. Times are seconds since the epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from core import canonical
from core.orders import BROUGHT, FROM_CUSTOMER
from evals.wire import DriverRoute, OrderRow, RouteOrder, RouteStop
from evals.world import chance
from evals.world.day import Day
from evals.world.leg import Leg, door_of
from evals.world.scenario import Point, Vehicle
from evals.world.streets import heading

State = Literal["depot", "loaded", "free", "driving", "serving", "resting", "broken", "returning", "off"]

LOAD_BEFORE_S = 300
OVERTIME_S = 3600  # a driver who is an hour over the shift goes home with what is left
IDLE_LOOK_S = 600  # how often a driver without work looks at the phone
RETURNING_LOOK_S = 300
LAST_CALL_S = 2 * 3600
"""before the end of the shift: who has no work by then goes home"""
POSITION_S = 30
WAITING_LOOK_S = 60  # of a driver who waits with a repaired van for one that comes for its goods
FAULTS = ("engine", "battery", "tyre", "electrics")
PROOFS = ("photo", "photo", "photo", "signature", "code", "note")

Sent = dict[str, Any]


@dataclass
class Van:
    """One vehicle and its driver."""

    vehicle: Vehicle
    day: Day
    state: State = "depot"
    next_at: int = 0
    """when the present state ends"""
    route: DriverRoute | None = None
    stop: RouteStop | None = None
    leg: Leg = field(default_factory=lambda: Leg((0.0, 0.0), (0.0, 0.0), 0, 0))
    aboard: dict[str, None] = field(default_factory=dict)
    """order ids, in the order they were loaded"""
    tried: dict[str, int] = field(default_factory=dict)
    """order -> version of the route when it was tried; again only once the phone shows it gone, or shows a newer one"""
    calls: Counter[str] = field(default_factory=Counter)
    """how often it stood at each stop, and tried each order: a second event has a key of its own"""
    heard_at: int = 0
    broken_at: int | None = None
    rested_at: int | None = None
    there: bool = False
    departed_at: int | None = None
    finished_at: int | None = None
    delivered: int = 0
    rescued: int = 0
    """orders taken over from a broken van"""

    @classmethod
    def at_depot(cls, vehicle: Vehicle, day: Day) -> Van:
        van = cls(vehicle, day)
        van.leg = Leg(van.home, van.home, 0, 0)
        van.next_at = van.leaves_at - LOAD_BEFORE_S
        return van

    # -- what a driver knows beforehand

    @property
    def home(self) -> Point:
        return self.day.scenario.depot(self.vehicle.depot).point

    @property
    def leaves_at(self) -> int:
        """A few minutes after the driver came, and today's trouble at the dock."""
        return self.signs_on_at + LOAD_BEFORE_S + self.day.incidents.dock_delay_s.get(self.vehicle.id, 0)

    @property
    def signs_on_at(self) -> int:
        """Start of the shift less the time to load, with everyday delay."""
        start = int(self.day.scenario.at(self.vehicle.depot, self.vehicle.shift_start).timestamp())
        return start + chance.between(0, 180, self.day.scenario.seed, "tardy", self.vehicle.id) - LOAD_BEFORE_S

    @property
    def shift_end(self) -> int:
        return int(self.day.scenario.at(self.vehicle.depot, self.vehicle.shift_end).timestamp())

    # -- looking at the phone

    def looks(self, until: int) -> bool:
        """Whether the driver looks at the phone before `until`: about to load, leave, hand over, or drive on; on
        the way home now and then, since there may be work again."""
        soon = self.state in ("depot", "loaded", "serving", "resting", "broken") and self.next_at <= until
        again = self.state == "returning" and until >= self.heard_at + RETURNING_LOOK_S
        return soon or again or self.state == "free"

    def hear(self, route: DriverRoute, now: int) -> None:
        """The phone shows this route. A driver who is free heads for the next stop, or home."""
        self.route, self.heard_at = route, now
        listed = {order.id for stop in route.stops for order in stop.orders}
        self.tried = {o: then for o, then in self.tried.items() if o in listed and then >= (route.version or 0)}
        if self.stop is not None:
            shown = next((stop for stop in route.stops if stop.stop == self.stop.stop), None)
            # a stop that is no longer shown was cancelled under way: there is nothing to hand over
            self.stop = shown or self.stop.model_copy(update={"orders": ()})
        if self.state == "returning" and self._open_stops() and self.leg.moves(now) and now < self._latest():
            here = self.leg.at(now)
            self.leg, self.next_at, self.state = Leg(here, here, now, now), now, "free"
        if self.state == "free":
            self._head(now)

    def _latest(self) -> int:
        return self.shift_end + OVERTIME_S

    def _open_stops(self) -> list[RouteStop]:
        """Stops still to be visited, the one that the server calls next first. No ringing twice of one's own accord."""
        if self.route is None:
            return []
        route = self.route
        left = [s for s in route.stops if not s.done and door_of(s) and any(o.id not in self.tried for o in s.orders)]
        return sorted(left, key=lambda stop: stop.stop != route.next)

    def _head(self, now: int) -> None:
        here = self.leg.b
        leaves = self.next_at
        stops = self._open_stops()
        self.stop = stops[0] if stops and leaves < self._latest() else None
        self.state = "driving" if self.stop else "returning"
        there = door_of(self.stop) or self.home
        tz = self.day.scenario.depot(self.vehicle.depot).tz
        took = self.day.streets.leg_s(self.vehicle.id, self.vehicle.depot, tz, here, there, leaves)
        # the phone was looked at when `now` was told to the server: what follows comes after
        self.leg = Leg(here, there, leaves, max(leaves + took, now + 1))
        self.next_at = self.leg.ends

    # -- time passes

    def until(self, until: int) -> list[Sent]:
        """All that happens up to and including `until`, in order."""
        happened: list[Sent] = []
        while self.state not in ("free", "off"):
            happened += self._sign_on(until) + self._breakdown(until)
            if self.next_at > until:
                break
            at = self.next_at
            match self.state:
                case "depot":
                    happened += self._load(at)
                case "loaded":
                    happened += self._depart(at)
                case "driving":
                    happened += self._arrive(at)
                case "serving":
                    happened += self._hand_over(at)
                case "resting":
                    happened += self._rested(at)
                case "broken":
                    happened += self._repaired(at)
                case "returning":
                    happened += self._finish(at)
                case _:
                    raise AssertionError(self.state)
        return happened

    def _sign_on(self, until: int) -> list[Sent]:
        """The driver is there, whatever keeps the van at the dock."""
        if self.there or until < self.signs_on_at:
            return []
        self.there = True
        return [self._event("started", self.signs_on_at, str(self.day.scenario.day))]

    def _breakdown(self, until: int) -> list[Sent]:
        """The van stops on the way and stands; its driver says where, why, and until when if that is known."""
        trouble = self.day.incidents.breakdowns.get(self.vehicle.id)
        drives = self.state in ("driving", "returning") and self.broken_at is None
        if trouble is None or self.departed_at is None or not drives:
            return []
        at = max(self.departed_at + trouble.after_s, self.heard_at + 1)
        if not at <= min(until, self.next_at - 1):
            return []
        here, why = self.leg.at(at), chance.pick(FAULTS, self.day.scenario.seed, "breaks because", self.vehicle.id)
        self.leg, self.stop, self.state = Leg(here, here, at, at), None, "broken"
        self.broken_at, self.next_at = at, at + trouble.stands_s
        minutes = trouble.stands_s // 60 if trouble.known else None
        data = {"reason": why, "minutes": minutes, "lat": here[0], "lon": here[1]}
        return [self._event("breakdown", at, str(self.day.scenario.day), data=data)]

    def _repaired(self, at: int) -> list[Sent]:
        """It could go on; while the phone says that somebody comes for its goods, its driver waits."""
        if self.route is not None and self.route.handovers:
            self.next_at = at + WAITING_LOOK_S
            return []
        self.state = "free"
        return [self._event("repaired", at, str(self.day.scenario.day))]

    def _load(self, at: int) -> list[Sent]:
        if not self._open_stops() or (self.finished_at is not None and at > self.shift_end - LAST_CALL_S):
            self.next_at = at + IDLE_LOOK_S
            if self.next_at > self.shift_end - LAST_CALL_S:
                self.state = "off"
            return []
        self.state, self.next_at = "loaded", max(self.leaves_at, at + 120)
        mine = self._at_dock()
        return [self._scan(at, mine)] if mine else []

    def _at_dock(self) -> list[str]:
        """Orders to load: what is fetched at doors, or from a broken van on the way, is not there."""
        stops = self._open_stops()
        fetched = {order.id for stop in stops if stop.giver for order in stop.orders}
        return [o.id for stop in stops for o in stop.orders if o.kind in BROUGHT and o.id not in fetched]

    def _depart(self, at: int) -> list[Sent]:
        """What was put on the route after loading is loaded now."""
        late = [order for order in self._at_dock() if order not in self.aboard]
        self.state, self.departed_at = "free", at
        scans = [self._scan(at, late)] if late else []
        self.finished_at = None
        return [*scans, self._event("departed", at, str(at))]

    def _scan(self, at: int, orders: Sequence[str]) -> Sent:
        self.aboard |= dict.fromkeys(orders)
        key, data = canonical.short("load", *orders, self.finished_at), {"orders": list(orders)}
        return self._event("loaded", at, key, data=data)

    def _arrive(self, at: int) -> list[Sent]:
        stop = self._present_stop()
        goods = () if stop.giver else stop.orders
        known = [self.day.orders[order.id] for order in goods if order.id in self.day.orders]
        begins = max(at, self.day.opens(known))
        refs = sorted(order.ref for order in known)
        seed, sigma = self.day.scenario.seed, self.day.scenario.rates.service_sigma
        factor = max((self.day.incidents.long_service.get(ref, 1.0) for ref in refs), default=1.0)
        factor *= self.day.incidents.quick.get(self.vehicle.id, 1.0)
        took = stop.service_s * factor * chance.noise(sigma, seed, "service", *(refs or [stop.stop]))
        self.state, self.next_at = "serving", begins + max(round(took), 20)
        return [self._event("arrived", at, self._nth(stop.stop), stop=stop.stop)]

    def _hand_over(self, at: int) -> list[Sent]:
        stop = self._present_stop()
        if stop.giver is not None:
            return self._take_over(stop, self.day.vans[stop.giver], at)
        happened = [self._try(order, stop, at) for order in stop.orders if order.id not in self.tried]
        self.stop, self.state, self.next_at = None, "free", at
        return [*happened, *self._rest(at)]

    def _rest(self, at: int) -> list[Sent]:
        """A break at a door, once it is due."""
        rest = self.day.incidents.breaks.get(self.vehicle.id)
        if rest is None or self.rested_at is not None or at < self.signs_on_at + rest.after_s:
            return []
        self.state, self.rested_at, self.next_at = "resting", at, at + 60 * rest.minutes
        return [self._event("break_started", at, str(self.day.scenario.day), data={"minutes": rest.minutes})]

    def _rested(self, at: int) -> list[Sent]:
        self.state = "free"
        return [self._event("break_ended", at, str(self.day.scenario.day))]

    def _take_over(self, stop: RouteStop, giver: Van, at: int) -> list[Sent]:
        """Two drivers beside a broken van: one hands out and scans, the other takes in and scans."""
        mine = [order.id for order in stop.orders if order.id in giver.aboard]
        for order in mine:
            del giver.aboard[order]
        self.aboard |= dict.fromkeys(mine)
        self.rescued += len(mine)
        self.stop, self.state, self.next_at = None, "free", at
        scan = {"transfer": stop.stop, "orders": mine}
        gave, took = giver._event("gave", at, stop.stop, data=scan), self._event("took", at, stop.stop, data=scan)
        return [gave, took] if mine else []

    def _try(self, order: RouteOrder, stop: RouteStop, at: int) -> Sent:
        self.tried[order.id] = (self.route.version or 0) if self.route else 0
        known = self.day.orders.get(order.id)
        can = order.id in self.aboard or order.kind not in BROUGHT
        reason = "not_on_van" if not can else self.day.refusal(known.ref) if known else None
        if known is not None and can:
            self.day.attempts[known.ref] += 1
        about = {"stop": stop.stop, "order": order.id}
        if reason is not None:
            if known is not None and known.ref not in self.day.unwanted and can:
                self.day.missed.append((at, known.ref))
            return self._event("failed", at, self._nth(order.id), **about, data={"reason": reason})
        self.delivered += 1
        return self._done(order, known.ref if known else order.id, at, about)

    def _done(self, order: RouteOrder, ref: str, at: int, about: Mapping[str, str]) -> Sent:
        """Handed over, fetched, or repaired: what an order of its kind asks for."""
        proof = {"proof": self._proof(ref)}
        if order.kind in FROM_CUSTOMER:
            self.aboard[order.id] = None
            return self._event("fetched", at, order.id, **about, data=proof)
        if order.kind in BROUGHT:
            del self.aboard[order.id]
            self.day.received.append((at, ref))
        return self._event("delivered", at, order.id, **about, data=proof)

    def _nth(self, what: str) -> str:
        self.calls[what] += 1
        return what if self.calls[what] == 1 else f"{what}:{self.calls[what]}"

    def _proof(self, ref: str) -> dict[str, Any]:
        key = (self.day.scenario.seed, "proof", ref)
        kind = chance.pick(PROOFS, *key)
        where = {"lat": self.leg.b[0], "lon": self.leg.b[1]}
        if kind == "note":
            return {"kind": kind, "note": "Left with a neighbour.", **where}
        if kind == "code":
            return {"kind": kind, **where}
        words = "".join(f"{chance.between(0, 15, *key, digit):x}" for digit in range(64))
        return {"kind": kind, "sha256": words, **where}

    def _finish(self, at: int) -> list[Sent]:
        self.state, self.finished_at, self.next_at = "depot", at, at + IDLE_LOOK_S
        returned, self.aboard = list(self.aboard), {}
        return [self._event("finished", at, str(at), data={"returned": returned})]

    def _present_stop(self) -> RouteStop:
        if self.stop is None:
            raise AssertionError(f"{self.vehicle.id} is {self.state} without a stop")
        return self.stop

    def _event(self, kind: str, at: int, what: str, **rest: Any) -> Sent:
        key = f"{self.day.scenario.seed}:{self.vehicle.id}:{kind}:{what}"
        return {"key": key, "kind": f"driver.{kind}", "at": iso(at), "vehicle": self.vehicle.id, **rest}

    # -- telematics

    def positions(self, after: int, until: int) -> list[Sent]:
        """Where the van was at each half minute in (after, until], from departure to return."""
        if self.departed_at is None:
            return []
        last = until if self.finished_at is None else min(until, self.finished_at)
        first = max(after + 1, self.departed_at)
        grid = range(first + (-first % POSITION_S), last + 1, POSITION_S)
        return [self._position(at) for at in grid]

    def _position(self, at: int) -> Sent:
        lat, lon = self.leg.at(at)
        moving = self.leg.moves(at)
        return {
            "vehicle": self.vehicle.id,
            "at": iso(at),
            "lat": lat,
            "lon": lon,
            "speed_kmh": self.leg.kmh if moving else 0,
            "heading": heading(self.leg.a, self.leg.b) if moving else 0,
        }

    # -- a world that starts again

    def resume(self, route: DriverRoute, mine: Sequence[OrderRow], now: int) -> None:
        """Go on from what the server knows: the world keeps no state of its own."""
        self.route = route
        goods = (row for row in mine if row.kind in BROUGHT)
        self.aboard = dict.fromkeys(row.id for row in goods if row.status in ("out", "failed"))
        self.tried = {row.id: route.version or 0 for row in mine if row.status == "failed"}
        self.there = now >= self.signs_on_at
        if route.broken:
            self.state, self.broken_at, self.departed_at, self.next_at = "broken", now, now, now + 1
            return
        if not route.departed:
            self.state = "loaded" if self.aboard else "depot"
            self.next_at = max(self.leaves_at if self.aboard else self.next_at, now + 1)
            return
        here = next((place for stop in reversed(route.stops) if stop.done and (place := door_of(stop))), self.home)
        self.leg = Leg(here, here, now, now)
        self.departed_at, self.next_at = now, now
        self.state = "free"


def iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
