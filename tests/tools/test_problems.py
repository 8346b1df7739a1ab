"""Routing problems from the record: the first plan of a day, and the running day cut at what a driver keeps."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, update

from core import clock, fleet, orders, plans, promises, vans
from core.errors import BadInput
from core.store import db as store
from core.store.tables import depot, matrix_place, order
from core.vans import Position
from optimizer import wave
from optimizer.problem import Problem, Vehicle
from optimizer.travel import great_circle
from tests.living import (
    DAY,
    DEPOT,
    HOME,
    STEP,
    Living,
    a_depot,
    a_draft,
    a_plan,
    a_van,
    an_order,
    at,
    deliver,
    load_and_leave,
    stop_of,
    tap,
)
from tools import problems, yard
from tools.problems import Ground

HOUR = 3600


class Field:
    """van1 has A1, A2, A3; van2 has B1. Planned and promised."""

    def __init__(self, db: Connection, first: float = 1) -> None:
        self.db = db
        a_depot(db)
        a_van(db, "van1")
        a_van(db, "van2")
        places = {"A1": first, "A2": 2, "A3": 3, "B1": 1.5}
        self.order = {ref: an_order(db, ref, place) for ref, place in places.items()}
        self.stop = {ref: stop_of(db, order_id) for ref, order_id in self.order.items()}
        a_plan(db, {"van1": [self.order[r] for r in ("A1", "A2", "A3")], "van2": [self.order["B1"]]})

    @property
    def here(self) -> Ground:
        return problems.ground(self.db, DEPOT, DAY)

    def live(self, now: datetime) -> Problem:
        current = plans.current(self.db, DEPOT, DAY)
        assert current is not None
        return problems.live(self.db, self.here, current, now)

    def van(self, now: datetime, van: str = "van1") -> Vehicle:
        return self.live(now).vehicle(van)

    def leave(self) -> None:
        load_and_leave(self.db, "van1", [self.order[r] for r in ("A1", "A2", "A3")], at("08:00"))

    def names(self, stops: tuple[str, ...]) -> list[str]:
        known = {stop: ref for ref, stop in self.stop.items()}
        return [known[stop] for stop in stops]


@pytest.fixture
def field(record: Connection) -> Field:
    return Field(record)


@pytest.fixture
def far_field(record: Connection) -> Field:
    """A1 is an hour's drive away."""
    return Field(record, first=50)


def seconds(text: str) -> int:
    return int((at(text) - clock.midnight(DAY, "America/Chicago")).total_seconds())


# The ground


def test_orders_at_one_door_are_one_stop_with_their_goods_added_up(field: Field) -> None:
    an_order(field.db, "A1b", 1, pieces=3, weight_g=500, service_s=600)
    here = field.here
    stop = here.stops[field.stop["A1"]]
    assert (stop.demand, stop.service_s, stop.drop_penalty) == ((4, 500, 0), 600, 200_000)
    assert len(here.orders[stop.id]) == 2


NINE, TEN, NOON, TWO = "09:00", "10:00", "12:00", "14:00"


@pytest.mark.parametrize(
    ("one", "two", "left", "why"),
    [
        ([], [], [], "at any time"),
        ([(NINE, NOON)], [], [(NINE, NOON)], "who has no wish agrees"),
        ([(NINE, NOON)], [(TEN, TWO)], [(TEN, NOON)], "when both are at home"),
        ([(NINE, TEN)], [(NOON, TWO)], [(NINE, TEN)], "no common time: the first one's counts"),
        ([(NINE, TEN), (NOON, TWO)], [(TEN, NOON)], [(TEN, TEN), (NOON, NOON)], "at the edges"),
        ([(NOON, TWO), (NINE, TEN)], [], [(NINE, TEN), (NOON, TWO)], "in order"),
        ([(NINE, NOON), (TEN, TWO)], [], [(NINE, TWO)], "windows that overlap are one"),
    ],
)
def test_the_windows_of_one_door_are_those_that_suit_all(
    field: Field, one: list[tuple[str, str]], two: list[tuple[str, str]], left: list[tuple[str, str]], why: str
) -> None:
    first = an_order(field.db, "C1", 7, windows=[(at(a), at(b)) for a, b in one])
    second = an_order(field.db, "C2", 7, windows=[(at(a), at(b)) for a, b in two])
    rows = sorted([orders.get(field.db, first), orders.get(field.db, second)], key=lambda row: row.ref)
    stop = problems.stop_of("s", 1, rows, field.here.t0)
    assert stop.windows == tuple((seconds(a), seconds(b)) for a, b in left), why


@pytest.mark.parametrize(
    ("day", "ready_h"), [(date(2026, 6, 2), 8), (date(2026, 3, 8), 7), (date(2026, 11, 1), 9)], ids=str
)
def test_a_shift_begins_at_its_wall_clock_time_on_every_day(field: Field, day: date, ready_h: int) -> None:
    an_order(field.db, "D1", 1, day=day)
    here = problems.ground(field.db, DEPOT, day)
    ready = problems.first(field.db, here).vehicle("van1").ready_s
    assert ready == ready_h * HOUR, "seconds since midnight: on the days the clocks change 08:00 is not eight hours in"
    assert here.at(ready) == clock.at_second(day, "America/Chicago", 8 * HOUR)


def test_a_depots_own_matrix_must_know_every_place(field: Field) -> None:
    places = [HOME, *((HOME[0] + STEP * place, HOME[1]) for place in (1, 2, 3))]
    own = great_circle(places)
    problems.matrices().put(own)
    field.db.execute(update(depot).values(matrix=own.hash))
    rows = [{"depot_id": DEPOT, "row": n, "lat": lat, "lon": lon} for n, (lat, lon) in enumerate(places)]
    field.db.execute(insert(matrix_place), rows)
    with pytest.raises(BadInput, match="no row for 1 orders: B1") as refused:
        problems.ground(field.db, DEPOT, DAY)
    assert refused.value.field == "matrix"
    field.db.execute(insert(matrix_place).values(depot_id=DEPOT, row=9, lat=HOME[0] + STEP * 1.5, lon=HOME[1]))
    here = problems.ground(field.db, DEPOT, DAY)
    assert here.matrix.hash == own.hash
    assert [here.stops[field.stop[ref]].location for ref in ("A1", "A2", "A3")] == [1, 2, 3]


# The first plan


def test_the_first_plan_has_every_open_order_and_every_van(field: Field) -> None:
    orders.set_status(field.db, [field.order["A2"]], "cancelled")
    problem = problems.first(field.db, field.here)
    assert sorted(field.names(tuple(s.id for s in problem.stops))) == ["A1", "A3", "B1"]
    assert [v.id for v in problem.vehicles] == ["van1", "van2"]
    assert field.names(problem.routes["van1"]) == ["A1", "A3"], "it starts from the plan that stands"


def test_a_depot_without_vans_can_not_plan(field: Field) -> None:
    a_depot(field.db, "empty")
    an_order(field.db, "Z1", 1, depot_id="empty")
    with pytest.raises(BadInput, match="no vehicles"):
        problems.first(field.db, problems.ground(field.db, "empty", DAY))


def test_a_vans_limits_go_into_the_problem(field: Field) -> None:
    a_van(field.db, "van3", pieces=7, weight_kg=2, max_stops=4, ends_at_depot=False, shift_end="12:00")
    van = problems.first(field.db, field.here).vehicle("van3")
    assert (van.capacity, van.max_stops, van.end, van.shift_end_s) == ((7, 2000, 100_000_000), 4, None, 12 * HOUR)


# The running day


def test_an_idle_van_starts_at_its_shift_or_now(field: Field) -> None:
    assert field.van(at("07:00")).ready_s == 8 * HOUR
    assert field.van(at("09:30")).ready_s == seconds("09:30")
    assert field.van(at("09:30")).fixed_cost > 0, "it has not been used yet"


def test_the_stop_that_a_van_drives_to_is_locked(field: Field) -> None:
    field.leave()
    van = field.van(at("08:03"))
    assert (van.locked, van.fixed_cost, van.ready_s) == (1, 0, seconds("08:03"))
    assert field.names(field.live(at("08:03")).routes["van1"]) == ["A1", "A2", "A3"]


def test_a_van_in_the_middle_of_a_leg_has_the_rest_of_it_ahead(field: Field) -> None:
    field.leave()
    whole = field.van(at("08:01")).first_leg_s
    assert whole is not None
    assert field.van(at("08:04")).first_leg_s == whole - 180, "without a position, time passes"
    halfway = Position(vehicle="van1", at=at("08:04"), lat=HOME[0] + STEP / 2, lon=HOME[1])
    vans.take_positions(field.db, [halfway])
    known_s = max(yard.PACE_KNOWN_S, whole // 2)
    pace = (3 * 60 + known_s) / (whole / 2 + known_s)
    rest = field.van(at("08:04")).first_leg_s
    assert rest is not None
    assert rest == pytest.approx(whole / 2 * pace, abs=2), "with one, its share of the way at the pace since 08:01"
    assert field.van(at("08:05")).first_leg_s == rest - 60, "and time has passed since"


def test_a_driver_who_rests_has_the_leg_as_usual_before_the_van(field: Field) -> None:
    field.leave()
    whole = field.van(at("08:01")).first_leg_s
    tap(field.db, "break_started", "van1", at("08:01"), minutes=30)
    vans.take_positions(field.db, [Position(vehicle="van1", at=at("08:20"), lat=HOME[0], lon=HOME[1])])
    resting = field.van(at("08:20"))
    assert (resting.ready_s, resting.first_leg_s) == (seconds("08:31"), None), "not slower for having stood"
    tap(field.db, "break_ended", "van1", at("08:25"))
    vans.take_positions(field.db, [Position(vehicle="van1", at=at("08:25"), lat=HOME[0], lon=HOME[1])])
    assert field.van(at("08:25")).first_leg_s == whole


def test_a_van_that_stands_still_on_its_leg_is_not_expected_never(field: Field) -> None:
    field.leave()
    whole = field.van(at("08:01")).first_leg_s
    assert whole is not None
    vans.take_positions(field.db, [Position(vehicle="van1", at=at("09:50"), lat=HOME[0], lon=HOME[1])])
    assert field.van(at("09:50")).first_leg_s == whole * yard.SLOWEST_PACE


def test_a_few_minutes_at_a_light_say_little_about_a_long_leg(far_field: Field) -> None:
    far_field.leave()
    whole = far_field.van(at("08:01")).first_leg_s
    assert whole is not None
    assert whole > 40 * 60
    vans.take_positions(far_field.db, [Position(vehicle="van1", at=at("08:04"), lat=HOME[0], lon=HOME[1])])
    found = far_field.van(at("08:04")).first_leg_s
    assert found is not None
    assert whole < found < whole * 1.2


def test_the_rest_of_a_leg_is_never_negative(field: Field) -> None:
    field.leave()
    assert field.van(at("10:00")).first_leg_s == 0


def test_a_position_from_before_the_leg_says_nothing_about_it(field: Field) -> None:
    vans.take_positions(field.db, [Position(vehicle="van1", at=at("07:00"), lat=45.0, lon=0.0)])
    field.leave()
    whole = field.here.matrix.durations_s[0, field.here.stops[field.stop["A1"]].location]
    assert field.van(at("08:01")).first_leg_s == whole


def test_a_van_at_a_door_goes_on_from_there_when_its_service_is_over(field: Field) -> None:
    field.leave()
    tap(field.db, "arrived", "van1", at("08:10"), field.stop["A1"])
    problem = field.live(at("08:12"))
    van = problem.vehicle("van1")
    assert van.start == field.here.stops[field.stop["A1"]].location
    assert (van.ready_s, van.locked) == (seconds("08:15"), 0), "five minutes of service, two of them gone"
    assert field.names(problem.routes["van1"]) == ["A2", "A3"]
    assert field.stop["A1"] not in {s.id for s in problem.stops}, "it can't be moved any more"


def test_a_service_that_takes_long_ends_soon(field: Field) -> None:
    field.leave()
    tap(field.db, "arrived", "van1", at("08:10"), field.stop["A1"])
    service_s = field.here.stops[field.stop["A1"]].service_s
    assert field.van(at("08:40")).ready_s == seconds("08:40") + service_s // yard.DEPARTING_SHARE


def test_a_van_that_waits_for_a_window_serves_once_it_opens(field: Field) -> None:
    field.leave()
    window = [[clock.iso(at("09:00")), clock.iso(at("10:00"))]]
    field.db.execute(update(order).where(order.c.id == field.order["A1"]).values(windows=window))
    tap(field.db, "arrived", "van1", at("08:10"), field.stop["A1"])
    assert field.van(at("08:55")).ready_s == seconds("09:05")


def test_between_two_stops_a_van_starts_from_the_last_one(field: Field) -> None:
    field.leave()
    deliver(field.db, "van1", field.order["A1"], at("08:10"))
    problem = field.live(at("08:13"))
    van = problem.vehicle("van1")
    assert van.start == field.here.stops[field.stop["A1"]].location
    assert (field.names(problem.routes["van1"]), van.locked) == (["A2", "A3"], 1)


def test_a_van_that_is_back_can_be_loaded_again_until_its_shift_ends(field: Field) -> None:
    idle = field.van(at("07:00"))
    field.leave()
    tap(field.db, "finished", "van1", at("09:00"))
    van = field.van(at("09:01"))
    assert (van.start, van.on_road, van.locked, van.fixed_cost) == (0, False, 0, 0), "it is paid for today"
    assert van.ready_s == seconds("09:00") + wave.RELOAD_S
    assert van.shift_end_s == idle.shift_end_s
    assert field.van(at("10:00")).ready_s == seconds("10:00")


def test_goods_aboard_tie_their_stop_to_the_van(field: Field) -> None:
    tap(field.db, "loaded", "van1", at("07:55"), orders=[field.order["A1"], field.order["A2"]])
    aboard = {ref: field.live(at("08:00")).stop(field.stop[ref]).aboard for ref in ("A1", "A2", "A3", "B1")}
    assert aboard == {"A1": "van1", "A2": "van1", "A3": None, "B1": None}


def test_a_second_try_is_for_what_was_missed_in_its_own_windows_and_takes_no_more_room(record: Connection) -> None:
    field = Field(record)
    other = an_order(record, "A1b", 1, windows=[[at("08:00"), at("08:30")]])
    assert stop_of(record, other) == field.stop["A1"]
    orders.set_status(record, [other], "delivered")
    field.leave()
    tap(record, "failed", "van1", at("08:10"), field.order["A1"], reason="nobody_home")
    current = plans.current(record, DEPOT, DAY)
    assert current is not None
    found = problems.live(record, field.here, current, at("08:12"), field.stop["A1"])
    again = found.stop(field.stop["A1"])
    assert again.demand == problems.stop_of("x", 1, [orders.get(record, field.order["A1"])], field.here.t0).demand
    later = found.now_s + problems.AGAIN_AFTER_S
    assert again.windows == ((later, later + problems.LIVE_SLACK_S),), "the neighbour's half hour is not theirs"
    held = {each.id: each for each in found.vehicles}["van1"].held
    assert not any(held), "its goods are counted once"


def test_what_was_delivered_is_off_the_van(field: Field) -> None:
    field.leave()
    deliver(field.db, "van1", field.order["A1"], at("08:10"))
    assert field.stop["A1"] not in {s.id for s in field.live(at("08:14")).stops}


def test_a_promise_is_due_at_its_end_and_a_window_is_no_wall_any_more(field: Field) -> None:
    row = promises.open_of(field.db, field.order["A1"])
    assert row is not None
    problem = field.live(at("08:00"))
    assert problem.stop(field.stop["A1"]).due_s == field.here.seconds(row.hi)
    promises.release(field.db, field.order["A1"])
    assert field.live(at("08:00")).stop(field.stop["A1"]).due_s is None


def test_of_two_promises_at_a_door_the_earlier_one_is_due(field: Field) -> None:
    second = an_order(field.db, "A1b", 1)
    orders.set_status(field.db, [second], "planned")
    promises.make(field.db, second, at("07:00"), at("08:05"), "msg_x", at("07:00"))
    assert field.live(at("08:00")).stop(field.stop["A1"]).due_s == seconds("08:05")


def test_a_window_gets_slack_while_the_day_runs(record: Connection) -> None:
    a_depot(record)
    a_van(record)
    order_id = an_order(record, "W1", 1, windows=[(at("09:00"), at("10:00"))])
    a_plan(record, {"van1": [order_id]})
    here = problems.ground(record, DEPOT, DAY)
    current = plans.current(record, DEPOT, DAY)
    assert current is not None
    first, live = problems.first(record, here), problems.live(record, here, current, at("08:00"))
    assert first.stops[0].windows == ((seconds("09:00"), seconds("10:00")),)
    assert live.stops[0].windows == ((seconds("09:00"), seconds("10:00") + problems.LIVE_SLACK_S),)


def test_a_stop_that_no_route_has_is_in_the_problem_all_the_same(field: Field) -> None:
    extra = an_order(field.db, "E1", 2.5)
    problem = field.live(at("08:00"))
    assert stop_of(field.db, extra) in {s.id for s in problem.stops}
    assert problem.place_of(stop_of(field.db, extra)) is None


def test_yesterdays_vans_say_nothing_about_today(field: Field) -> None:
    tap(field.db, "departed", "van2", at("08:00") - timedelta(days=1))
    assert field.van(at("07:30"), "van2").ready_s == 8 * HOUR
    assert field.van(at("07:30"), "van2").locked == 0


def test_the_same_record_gives_the_same_problem(living: Living) -> None:
    with store.transaction() as db:
        made = Field(db)
        one, two = made.live(at("08:00")), made.live(at("08:00"))
    assert one == two
    assert one.model_dump_json() == two.model_dump_json()


def test_a_draft_does_not_change_the_running_day(field: Field) -> None:
    a_draft(field.db, {"van2": list(field.order.values())})
    assert field.names(field.live(at("08:00")).routes["van1"]) == ["A1", "A2", "A3"]
    assert fleet.get_vehicle(field.db, "van2").pieces == 10_000
