"""A day, from the first import to the last van home. The world moves the server's clock, a minute at a time.

In a tick people speak first, each followed by a second of time so that the server has finished with one before the
next; then drivers look at their phones and vans report; then the clock moves on. One order of things: one log.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Literal

from evals.bench_figures import percentile
from evals.client import DoorstepClient
from evals.wire import OrderRow, Plan
from evals.world import incidents, setup
from evals.world.claims import Claims
from evals.world.day import Day
from evals.world.driver import Sent, Van
from evals.world.intake import Intake
from evals.world.missed import Missed
from evals.world.people import Customers, Dispatcher
from evals.world.result import DayResult, Timings, WorldLine
from evals.world.roads import Roads
from evals.world.scenario import Scenario

TICK_S = 60
AFTER_LAST_VAN_S = 1800
LONGEST_OVERRUN_S = 6 * 3600
CLOSING_TICK_S = 600
SAY_EVERY_S = 600
FIRST_HOURS = timedelta(hours=2)
NO_PROMISE_SLACK_S = 3600
PAUSE_LOOK_S = 0.25
LONGEST_SLEEP_S = 1.0

Speed = float | Literal["max"]


@dataclass(frozen=True)
class Progress:
    """One line for whoever watches. `now` is simulated; None before the day starts."""

    words: str
    now: datetime | None = None
    delivered: int = 0
    orders: int = 0


OnProgress = Callable[[Progress], None]


def run(
    client: DoorstepClient,
    scenario: Scenario,
    *,
    speed: Speed = "max",
    until: datetime | None = None,
    dispatcher: bool = True,
    on_progress: OnProgress = lambda progress: None,
) -> DayResult:
    """Run the day (or its part up to `until`). Picks up where the server stands when it has begun already."""
    began = time.monotonic()
    plans = setup.prepare(client, scenario, lambda words: on_progress(Progress(words)))
    ready = time.monotonic()
    world = World.open(client, scenario, plans, Pace(client, speed), dispatcher, on_progress)
    world.live(until)
    timings = Timings(
        setup_s=round(ready - began, 2),
        day_s=round(time.monotonic() - ready, 2),
        calls=client.calls,
        pulse_p95_ms=p95_ms(world.pulses_s),
        where_p95_ms=p95_ms(world.customers.where_s),
    )
    return world.result(plans, timings)


@dataclass
class Pace:
    """Keeps simulated time to the wall's, and stands still while the day is paused (it looks each second)."""

    client: DoorstepClient
    speed: Speed
    wall: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    anchor: tuple[float, int] | None = None

    @property
    def shown(self) -> float | None:
        return None if self.speed == "max" else self.speed

    def wait(self, sim: int) -> None:
        """Return when it is time for the tick that begins at `sim`."""
        if self.speed == "max":
            return
        while True:
            if self.client.clock().paused:
                self.anchor = None
                self.sleep(PAUSE_LOOK_S)
                continue
            early = self._early_s(sim, self.speed)
            if early <= 0:
                return
            self.sleep(min(early, LONGEST_SLEEP_S))

    def _early_s(self, sim: int, speed: float) -> float:
        """Wall seconds until `sim` is due. Time lost to a slow or restarting server is not made up for in a rush."""
        wall = self.wall()
        if self.anchor is None or self.anchor[0] + (sim - self.anchor[1]) / speed < wall - LONGEST_SLEEP_S:
            self.anchor = (wall, sim)
        return self.anchor[0] + (sim - self.anchor[1]) / speed - wall


@dataclass
class World:
    client: DoorstepClient
    scenario: Scenario
    pace: Pace
    incidents: incidents.Incidents
    vans: list[Van]
    phones: dict[str, DoorstepClient]
    day: Day
    customers: Customers
    missed: Missed
    claims: Claims
    intake: Intake
    roads: Roads
    dispatcher: Dispatcher
    on_progress: OnProgress
    now: int
    ticks: int = 0
    events: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    strange: set[str] = field(default_factory=set)
    """orders on drivers' phones that are none of this day's"""
    positions_sent: int = 0
    positions_taken: int = 0
    pulses_s: list[float] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        client: DoorstepClient,
        scenario: Scenario,
        plans: dict[str, Plan],
        pace: Pace,
        at_the_desk: bool,
        on_progress: OnProgress,
    ) -> World:
        rows = [row for depot in scenario.depots for row in client.orders(depot.id, scenario.day)]
        trouble = incidents.draw(scenario, slack(plans.values(), rows))
        day = Day.of(scenario, trouble, rows)
        customers = Customers.of(client, day, rows)
        world = cls(
            client=client,
            scenario=scenario,
            pace=pace,
            incidents=trouble,
            vans=[Van.at_depot(vehicle, day) for vehicle in sorted(scenario.vehicles, key=lambda v: v.id)],
            phones={v.id: client.acting(client.token("driver", v.driver)) for v in scenario.vehicles},
            day=day,
            customers=customers,
            missed=Missed(client, day, customers),
            claims=Claims(day, customers),
            intake=Intake.of(client.acting(client.token("integrator", "world-shop")), scenario, day.fate),
            roads=Roads.of(client, trouble.roads),
            dispatcher=Dispatcher(
                client.acting(client.token("dispatcher", "world-dispatcher")), scenario.seed, at_the_desk
            ),
            on_progress=on_progress,
            now=int(client.clock().now.timestamp()),
        )
        day.vans |= {van.vehicle.id: van for van in world.vans}
        if world.now > int(scenario.start.timestamp()):
            world._pick_up(rows)
        return world

    def _pick_up(self, rows: list[OrderRow]) -> None:
        """The day has begun before: vans go on from what the server knows."""
        for van in self.vans:
            mine = [row for row in rows if row.vehicle == van.vehicle.id]
            van.resume(self.phones[van.vehicle.id].driver_route(), mine, self.now)
        self.customers.skip(self.now)

    # -- the day

    def live(self, until: datetime | None) -> None:
        stop = int(until.timestamp()) if until else None
        while not self._over():
            if stop is not None and self.now >= stop:
                return
            self.pace.wait(self.now)
            self.tick(self.now + TICK_S)
        self._close()

    def tick(self, until: int) -> None:
        """One step of the world, up to `until`."""
        before = self.now
        spoken = self._people(before, until)
        for van in [van for van in self.vans if van.looks(until)]:
            self._hear(van, spoken)
        happened = [sent for van in self.vans for sent in van.until(until)]
        self._report(happened, [sent for van in self.vans for sent in van.positions(before, until)])
        self._advance(max(until, spoken))
        self.ticks += 1
        if until // SAY_EVERY_S != before // SAY_EVERY_S:
            self._say()

    def _hear(self, van: Van, now: int) -> None:
        """The driver looks at the phone. Orders that came in since the morning are looked up when they are shown."""
        route = self.phones[van.vehicle.id].driver_route()
        shown = {order.id for stop in route.stops for order in stop.orders}
        if shown - self.day.orders.keys() - self.strange:
            self.day.learn(self.client.orders(van.vehicle.depot, self.scenario.day))
            self.strange |= shown - self.day.orders.keys()
        van.hear(route, now)

    def _people(self, before: int, until: int) -> int:
        """Verdicts, then texts, new orders and road reports; each is given a second of the server's time. Returns the
        second it is now."""
        self.missed.look(until)
        self.claims.look()
        second = before
        for _ in chain(
            self.dispatcher.decide(before),
            self.customers.speak(until),
            self.intake.send(until),
            self.roads.report(until),
        ):
            second += 1
            self._advance(second)
        return second

    def _report(self, happened: list[Sent], positions: list[Sent]) -> None:
        """Positions first: nothing is written between an event's work being started and the clock call that ends it."""
        if positions:
            self.positions_sent += len(positions)
            self.positions_taken += self.client.send_positions(positions)
        if not happened:
            return
        in_order = sorted(happened, key=lambda sent: (sent["at"], sent["vehicle"]))
        kind = {sent["key"]: sent["kind"] for sent in in_order}
        for answer in self.client.send_events(in_order):
            self.events[answer.result] += 1
            if answer.result == "rejected":
                self.rejected[f"{kind.get(answer.key, '?')}: {answer.reason}"] += 1

    def _advance(self, to: int) -> None:
        began = time.monotonic()
        self.client.advance(datetime.fromtimestamp(to, UTC), self.pace.shown)
        if to - self.now == TICK_S:
            self.pulses_s.append(time.monotonic() - began)
        self.now = to

    def _over(self) -> bool:
        end = int(self.scenario.end.timestamp())
        if self.now < end:
            return False
        out = any(van.state != "off" for van in self.vans)
        last = max((van.finished_at or 0 for van in self.vans), default=0)
        return self.now >= end + LONGEST_OVERRUN_S or (not out and self.now >= last + AFTER_LAST_VAN_S)

    def _close(self) -> None:
        """All vans are home: decide what still waits, and let the day end."""
        close = max(int(self.scenario.close.timestamp()), self.now + TICK_S)
        while self.now < close and self.dispatcher.busy():
            spoken = self._people(self.now, self.now)
            self._advance(max(spoken, min(self.now + CLOSING_TICK_S, close)))
        self._advance(max(close, self.now))
        self._say()

    def _say(self) -> None:
        out = sum(van.departed_at is not None and van.finished_at is None for van in self.vans)
        self.on_progress(
            Progress(
                words=f"{out} vans out",
                now=datetime.fromtimestamp(self.now, UTC),
                delivered=sum(van.delivered for van in self.vans),
                orders=len(self.scenario.orders),
            )
        )

    def result(self, plans: dict[str, Plan], timings: Timings) -> DayResult:
        return DayResult(
            versions={depot: plan.version for depot, plan in plans.items()},
            ticks=self.ticks,
            delivered=sum(van.delivered for van in self.vans),
            seen=self._seen(),
            timings=timings,
        )

    def _seen(self) -> WorldLine:
        return WorldLine(
            events=dict(self.events),
            rejected=dict(self.rejected),
            positions_sent=self.positions_sent,
            positions_taken=self.positions_taken,
            vans_out=sum(van.departed_at is not None for van in self.vans),
            vans_home=sum(van.finished_at is not None for van in self.vans),
            texts=dict(self.customers.intents),
            texts_refused=dict(self.customers.refused),
            verdicts=dict(self.dispatcher.verdicts),
            wishes=dict(self.missed.chosen),
            claims=dict(self.claims.made),
            live=dict(self.intake.results),
            urgent=self.intake.urgent_taken,
            roads=dict(self.roads.results),
            breakdowns_min={
                van.vehicle.id: self.incidents.breakdowns[van.vehicle.id].stands_s // 60
                for van in self.vans
                if van.broken_at is not None
            },
            breaks_min={
                van.vehicle.id: self.incidents.breaks[van.vehicle.id].minutes
                for van in self.vans
                if van.rested_at is not None
            },
            quick=tuple(sorted(self.incidents.quick)),
            rescued={van.vehicle.id: van.rescued for van in self.vans if van.rescued},
            dock_delays_min={van: s // 60 for van, s in self.incidents.dock_delay_s.items()},
            ended=datetime.fromtimestamp(self.now, UTC),
        )


def p95_ms(seconds: Sequence[float]) -> int:
    return round(1000 * (percentile(seconds, 95) or 0.0))


def slack(plans: Iterable[Plan], rows: Iterable[OrderRow]) -> dict[str, int]:
    """Of each van with a route: the least seconds between a planned arrival and the end of what was promised, over
    its first hours: later on, waiting for windows swallows a late start."""
    promised = {row.id: row.promise.hi for row in rows if row.promise}
    found: dict[str, int] = {}
    for route in (route for plan in plans for route in plan.routes if route.stops):
        spare = [
            int((promised[order] - stop.arrival).total_seconds())
            for stop in route.stops
            for order in stop.orders
            if order in promised and stop.arrival - route.start <= FIRST_HOURS
        ]
        found[route.vehicle] = min(spare, default=NO_PROMISE_SLACK_S)
    return found
