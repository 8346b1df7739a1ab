"""Drivers' breaks along a route: where they fall, so that nobody drives longer than the law allows.

The rule is one that a driver can follow. A break is taken at the door before the leg that would be too much, while
waiting at a door when the wait is long enough anyway, and on the way only when a leg by itself is too long. A break
with a time of its own is taken at the first door that is left after its window has opened, or before the stop that
would run past the end of it. Driving is what the legs take; what a break counts for says `core.driving`, as it does for
drivers' taps: a wait of a quarter of an hour is the first part of a break, and then half an hour is the rest of it.
"""

from __future__ import annotations

from core.driving import Driving
from optimizer.problem import Break, Hours, Rest, Vehicle


class Duty:
    """A driver's day as far as a pass along the route has come."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.law: Hours | None = vehicle.hours
        self.left = list(vehicle.breaks)
        self.driving = Driving(vehicle.driven_s, vehicle.drove_s, vehicle.part_rested)
        self.rests: list[Rest] = []
        self.weighs = any(own.max_load for own in vehicle.breaks)
        self.load: tuple[int, ...] = ()
        """aboard on the leg at hand, where a break asks for it"""
        self.missed: list[str] = []
        """ids of own breaks that begin under too much load, after their windows, or never"""

    def before(self, position: int, leaves_s: int, arrival_s: int, start_s: int, done_s: int) -> int:
        """When the leg to the next door begins. The other times hold if there is no break before it."""
        now = leaves_s
        while self.left and self._is_due(self.left[0], now, arrival_s, start_s, done_s):
            now = self._take_own(position, now)
        return now

    def before_home(self, position: int, leaves_s: int, arrival_s: int) -> int:
        """The same for the last leg: a route that is over in time needs no break of its own any more."""
        now = leaves_s
        while self.left and self.left[0].begins(arrival_s) is None:
            now = self._take_own(position, now)
        return now

    def drive(self, position: int, leaves_s: int, leg_s: int) -> int:
        """The arrival, with the breaks that the law asks for."""
        now, done_s, driving = leaves_s, 0, self.driving
        while self.law is not None and leg_s > done_s and driving.since_s + leg_s - done_s > self.law.drive_s:
            on_s = 0 if driving.since_s and not done_s else self.law.drive_s - driving.since_s
            driving.drives(on_s)
            now, done_s = now + on_s, done_s + on_s
            pause_s = driving.owed_s(self.law)
            self._rest(Rest(position=position, at_s=now, duration_s=pause_s, driven_s=done_s))
            now += pause_s
        driving.drives(leg_s - done_s)
        return now + leg_s - done_s

    def wait(self, position: int, leg_s: int, arrival_s: int, start_s: int) -> None:
        """Waiting at the door that is long enough is a break."""
        now = arrival_s
        while (
            self.left
            and not self._is_heavy(self.left[0])
            and (at_s := self.left[0].begins(now)) is not None
            and at_s + self.left[0].duration_s <= start_s
        ):
            own = self.left.pop(0)
            self._rest(Rest(position=position, at_s=at_s, duration_s=own.duration_s, driven_s=leg_s, break_id=own.id))
            now = at_s + own.duration_s
        pause_s = self.driving.useful_s(start_s - now, self.law) if self.law is not None else 0
        if pause_s:
            self._rest(Rest(position=position, at_s=now, duration_s=pause_s, driven_s=leg_s))

    def over(self, end_s: int) -> None:
        """The route is over: what was not taken although there was time for it is missed."""
        self.missed += [own.id for own in self.left if end_s > own.windows[-1][1]]

    @property
    def over_s(self) -> int:
        """Seconds of driving beyond what a day may have."""
        return 0 if self.law is None else max(0, self.driving.today_s - self.law.day_s)

    def _is_heavy(self, own: Break) -> bool:
        return any(load > most for load, most in zip(self.load, own.max_load, strict=False))

    def _is_due(self, own: Break, now_s: int, arrival_s: int, start_s: int, done_s: int) -> bool:
        if self._is_heavy(own):
            return own.begins(now_s) is None
        waiting = own.begins(arrival_s)
        if waiting is not None and waiting + own.duration_s <= start_s:
            return False
        begins = own.begins(now_s)
        return begins is None or begins == now_s or own.begins(done_s) is None

    def _take_own(self, position: int, now_s: int) -> int:
        own = self.left.pop(0)
        begins = own.begins(now_s)
        if begins is None or self._is_heavy(own):
            self.missed.append(own.id)
            begins = now_s if begins is None else begins
        self._rest(Rest(position=position, at_s=begins, duration_s=own.duration_s, driven_s=0, break_id=own.id))
        return begins + own.duration_s

    def _rest(self, rest: Rest) -> None:
        self.rests.append(rest)
        if self.law is not None:
            self.driving.rests(rest.duration_s, self.law)
