"""A plan in figures: cost, kilometres, hours, carbon dioxide, and how full vans and shifts are."""

from __future__ import annotations

from collections.abc import Iterable

from optimizer.problem import Frozen, Problem, Route, Vehicle
from optimizer.schedule import Schedule, costs, most_aboard


class Cents(Frozen):
    use: int = 0
    hours: int = 0
    km: int = 0
    overtime: int = 0
    late: int = 0


class Figures(Frozen):
    """Of one route, or added up over many."""

    vans: int = 0
    """used ones"""
    stops: int = 0
    distance_m: int = 0
    paid_s: int = 0
    """from when a van could leave until it is back"""
    driving_s: int = 0
    service_s: int = 0
    waiting_s: int = 0
    resting_s: int = 0
    shift_s: int = 0
    """from when it could leave to the end of the shift"""
    co2_g: int = 0
    cents: Cents = Cents()
    load_percent: tuple[int, ...] = ()
    """of each capacity, the most that is aboard at a time"""

    @property
    def worked_percent(self) -> int:
        """Driving and service, of the shifts."""
        return 100 * (self.driving_s + self.service_s) // self.shift_s if self.shift_s else 0


def of_route(problem: Problem, schedule: Schedule, vehicle: Vehicle, route: Route) -> Figures:
    """A van that stays at home has none."""
    if not route.visits and not vehicle.on_road:
        return Figures()
    stops = [schedule.stops[stop_id] for stop_id in route.stop_ids]
    parts = costs(problem.weights, vehicle, schedule.timing(vehicle, route.stop_ids))
    return Figures(
        vans=1,
        stops=len(stops),
        distance_m=route.distance_m,
        paid_s=route.end_s - route.start_s,
        driving_s=route.driving_s,
        service_s=sum(visit.departure_s - visit.start_s for visit in route.visits),
        waiting_s=route.waiting_s,
        resting_s=route.resting_s,
        shift_s=max(0, vehicle.shift_end_s - route.start_s),
        co2_g=(vehicle.co2_g_km * route.distance_m + 500) // 1000,
        cents=Cents(**parts._asdict()),
        load_percent=tuple(
            100 * most_aboard(vehicle, stops, d) // n if n else 0 for d, n in enumerate(vehicle.capacity)
        ),
    )


def total(found: Iterable[Figures]) -> Figures:
    """Added up; of loads, the mean over the vans that are used."""
    used = [each for each in found if each.vans]
    names = Figures.model_fields.keys() - {"cents", "load_percent"}
    cents = {name: sum(getattr(each.cents, name) for each in used) for name in Cents.model_fields}
    dimensions = min((len(each.load_percent) for each in used), default=0)
    return Figures(
        **{name: sum(getattr(each, name) for each in used) for name in names},
        cents=Cents(**cents),
        load_percent=tuple(sum(each.load_percent[d] for each in used) // len(used) for d in range(dimensions)),
    )
