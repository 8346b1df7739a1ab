"""The bench's own arithmetic, and its load on a small server that is not ours. `make bench` runs the whole of it."""

from __future__ import annotations

import io
import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psutil
import pytest
from rich.console import Console

from evals import bench, bench_day, bench_house, bench_load, meter
from evals.bench_day import Van
from evals.bench_figures import Figure, percentile, show
from evals.bench_load import Answered, Pace, Positions, Questions, Request, Sent
from evals.bench_watch import Watch
from tests.loopback import LoopbackHandler, LoopbackServer, serving

# Figures --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "percent", "found", "why"),
    [
        ([], 95, None, "nothing was measured"),
        ([7.0], 1, 7.0, "one value is every percentile"),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0, "half of them are at or below it"),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0, "they come in any order"),
        ([1.0, 2.0, 3.0, 4.0], 51, 3.0, "a little more than half needs one more"),
        ([float(n) for n in range(1, 101)], 95, 95.0, "nearest rank, nothing between two values"),
        ([float(n) for n in range(1, 101)], 99, 99.0, "the last hundredth is left out"),
        ([1.0] * 19 + [9.0], 95, 1.0, "one in twenty may be slow"),
        ([1.0] * 18 + [9.0, 9.0], 95, 9.0, "two in twenty may not"),
        ([1.0, 2.0], 100, 2.0, "all of them"),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float, found: float | None, why: str) -> None:
    assert percentile(values, percent) == found, why


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_what_is_no_percentile_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile([1.0], percent)


@pytest.mark.parametrize(
    ("figure", "met", "ratio", "why"),
    [
        (Figure(name="a", value=20, unit="ms", aim=20), True, None, "at the aim is met"),
        (Figure(name="a", value=20.1, unit="ms", aim=20), False, None, "above it is not"),
        (Figure(name="a", value=2000, unit="/s", aim=1960, better="higher"), True, None, "more is better"),
        (Figure(name="a", value=1959, unit="/s", aim=1960, better="higher"), False, None, "less is not"),
        (Figure(name="a", value=None, unit="ms", aim=20), False, None, "what was not measured is not met"),
        (Figure(name="a", value=3, unit="s"), None, None, "without an aim there is nothing to meet"),
        (Figure(name="a", value=3, unit="s", peer="b", peer_value=2), None, 1.5, "as a ratio to its peer"),
        (Figure(name="a", value=3, unit="s", peer="b", peer_value=0.0), None, None, "a peer that measured nothing"),
    ],
)
def test_a_figure_knows_whether_it_meets_its_aim(
    figure: Figure, met: bool | None, ratio: float | None, why: str
) -> None:
    assert (figure.met, figure.ratio) == (met, ratio), why


def measured(**changes: object) -> bench.Measured:
    sent = Sent(2000, 0, 1.0, [0.01], {})
    one = {
        "sent": sent, "flat_out": sent, "asked": [Answered(0, 0.015, True), Answered(0, 9.0, False)],
        "health": [Answered(0, 0.001, True)], "ages_s": [0.5], "decided_s": [0.4], "undecided": 0,
        "asked_a_person": 0, "replans_s": [4.0], "alone_s": 2.0, "copied_a_second": 8000.0, "commits_s": [0.002],
        "memory": {"web": 100_000_000, "database": 200_000_000},
    }  # fmt: skip
    return bench.Measured(**{**one, **changes})  # type: ignore[arg-type]


def test_the_table_shows_every_figure_with_its_aim_and_its_peer() -> None:
    figures = {figure.name: figure for figure in bench.figures(measured())}
    assert all(figure.met in (True, None) for figure in figures.values())
    assert figures["positions, flat out"].ratio == 0.25
    assert figures["where is my order p50"].ratio == pytest.approx(15)
    assert figures["300-stop re-plan p50"].ratio == 2
    assert figures["memory of all processes"].value == 300
    console = Console(record=True, width=200, file=io.StringIO())
    show(list(figures.values()), console, "here")
    text = console.export_text()
    assert all(name in text for name in figures)
    assert "1 answered, 1 failed" in text


def test_a_run_in_which_nothing_was_decided_does_not_meet_the_aim() -> None:
    figures = {figure.name: figure for figure in bench.figures(measured(decided_s=[], undecided=3))}
    assert figures["event to decision p95"].met is False


@pytest.mark.parametrize("seconds", ["0", "4.9", "601"])
def test_a_bench_is_bounded_in_time(seconds: str) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--seconds", seconds])


# The day --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hour", range(24))
def test_it_is_late_morning_wherever_the_bench_runs(hour: int) -> None:
    now = datetime(2026, 11, 20, hour, 59, 30, tzinfo=UTC)
    day = bench_day.today(now)
    local = now.astimezone(ZoneInfo(day.tz))
    assert (local.hour, local.date()) == (bench_day.NOON_ISH, day.day)
    assert timedelta(minutes=1) < day.start - now <= timedelta(minutes=2)


def test_the_fleet_has_a_driver_each_and_everybody_a_number_of_their_own() -> None:
    day = bench_day.today()
    fleet = bench_day.fleet(day)
    rows = [*bench_day.hub_orders(), *(row for yard in bench_day.YARDS for row in bench_day.yard_orders(yard, day))]
    assert len(fleet["vehicles"]) == len({each["driver"] for each in fleet["vehicles"]}) == 164
    assert len(rows) == len({row["ref"] for row in rows}) == 1800
    people = [each["phone"] for each in (*fleet["drivers"], *rows)]
    assert len(people) == len(set(people))


def test_the_first_stop_of_a_van_has_some_minutes_and_no_other_stop_has_a_window() -> None:
    day, yard = bench_day.today(), bench_day.YARDS[1]
    rows = bench_day.yard_orders(yard, day)
    tight = [row for row in rows if "window_end" in row]
    assert len(tight) == bench_day.VANS_A_YARD
    for row in tight:
        drive = bench_day.leg_s(bench_day.place(yard), (row["lat"], row["lon"]))
        hour, minute = map(int, row["window_end"].split(":"))
        ends = day.start.replace(hour=hour, minute=minute)
        left_s = (ends - day.start).total_seconds() - drive
        assert bench_day.SLACK.total_seconds() - 120 < left_s <= bench_day.SLACK.total_seconds()


def test_strays_begin_one_after_the_other_and_leave_some_vans_on_their_way() -> None:
    vans = [van(f"v{n}") for n in range(9)]
    found = bench.strays(vans, starts=100.0, seconds=60)
    assert len(found) == 8
    assert sorted(found.values()) == [102.0 + n for n in range(8)]


# The load -------------------------------------------------------------------------------------------------------------


def van(name: str = "v1") -> Van:
    return Van(id=name, depot=(41.0, -93.0), first=(41.36, -93.0), first_stop=f"stop of {name}", leg_s=3600)


def test_turns_come_at_their_rate_until_the_end() -> None:
    pace = Pace(starts=10.0, ends=11.0, rate=4)
    assert [pace.turn(10.0) for _ in range(5)] == [(0, 10.0), (1, 10.25), (2, 10.5), (3, 10.75), None]


def test_a_sender_that_fell_behind_does_not_send_all_it_missed_at_once() -> None:
    pace = Pace(starts=0.0, ends=100.0, rate=1)
    assert pace.turn(50.0, catch_up_s=2) == (0, 48.0)
    assert [pace.turn(50.0, catch_up_s=2) for _ in range(3)] == [(1, 49.0), (2, 50.0), (3, 51.0)]


def test_without_a_rate_a_turn_is_due_at_once_and_not_before_the_start() -> None:
    pace = Pace(starts=5.0, ends=6.0, rate=0)
    assert [pace.turn(now) for now in (4.0, 5.5, 6.5)] == [(0, 5.0), (1, 5.5), None]


def test_a_batch_has_a_hundred_positions_and_goes_round_all_vans() -> None:
    load = Positions("", 0, "", [van(f"v{n}") for n in range(150)], time.monotonic(), 0, 0, 0)
    first, second = (json.loads(load.batch(n)[0])["positions"] for n in (0, 1))
    assert len(first) == len(second) == bench_load.BATCH
    assert [row["vehicle"] for row in (*first, *second)] == [f"v{n % 150}" for n in range(200)]


def test_a_van_is_on_its_way_until_it_strays_to_where_its_first_stop_is_late() -> None:
    lost, kept = van("lost"), van("kept")
    load = Positions("", 0, "", [lost, kept], time.monotonic() - 1800, 0, 0, 0, {"lost": 0.0, "kept": math.inf})
    body, astray = load.batch(0)
    where = {row["vehicle"]: row["lat"] for row in json.loads(body)["positions"]}
    assert set(astray) == {"stop of lost"}
    assert where["kept"] == pytest.approx(41.18, abs=0.01)  # half way after half the time
    whole = lost.first[0] - lost.depot[0]
    assert (lost.first[0] - where["lost"]) / whole == pytest.approx(bench_load.STRAYED, abs=0.01)


class Server(LoopbackServer):
    """Takes positions and answers questions, all but the first one at once; every fifth question fails."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.lock, self.questions, self.stall_s = threading.Lock(), 0, 0.0


class _Handler(LoopbackHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def sent(self) -> None:
        body = json.loads(self.body())
        status, answer = 200, {"accepted": len(body.get("positions", ()))}
        if self.path == "/api/chat":
            with self.server.lock:
                self.server.questions += 1
                status = 503 if self.server.questions % 5 == 0 else 200
                stall_s = self.server.stall_s if self.server.questions == 1 else 0.0
            time.sleep(stall_s)
        self.say(status, answer)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as made:
        yield made


def test_every_question_is_asked_and_those_that_fail_are_counted(server: Server) -> None:
    now = time.monotonic()
    found = Questions("127.0.0.1", server.server_port, ["a", "b"], 100, now, now + 0.2, threads=4).run()
    assert len(found) == server.questions == 20
    assert [each.ok for each in found].count(False) == 4


def test_a_stall_shows_in_all_that_had_to_wait_for_it(server: Server) -> None:
    server.stall_s, now = 0.3, time.monotonic()
    found = Questions("127.0.0.1", server.server_port, ["a"], 100, now, now + 0.1, threads=1).run()
    assert len(found) == 10
    assert min(each.latency_s for each in found) > server.stall_s - 0.1


def test_positions_are_counted_as_taken_and_a_stray_by_its_first_answer(server: Server) -> None:
    now = time.monotonic()
    load = Positions("127.0.0.1", server.server_port, "t", [van("a"), van("b")], now, 0, now, now + 0.2, {"b": now})
    sent = load.run()
    assert sent.accepted == bench_load.BATCH * len(sent.latencies_s) > 0
    assert sent.failed == 0
    assert list(sent.strayed) == ["stop of b"]
    assert sent.strayed["stop of b"] <= now + sent.seconds


def test_a_server_that_is_not_there_is_a_failure_and_not_the_end() -> None:
    with closing(bench_load.Line("127.0.0.1", 1)) as line:
        assert line.send(Request("GET", "/healthz", None)) is None


# What is watched ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "decided", "waiting", "why"),
    [
        ("predicted_late", "acting", True, False, "carried out in the transaction that wrote the decision"),
        ("predicted_late", "escalated", True, False, "handing over is a decision too"),
        ("predicted_late", "waiting", False, True, "a person is asked, nothing is decided"),
        ("predicted_late", "weighed", False, False, "options alone decide nothing"),
        ("human", "escalated", False, False, "a case that no stray opened"),
    ],
)
def test_a_case_counts_as_decided_with_its_decision(
    kind: str, status: str, decided: bool, waiting: bool, why: str
) -> None:
    watch = Watch("127.0.0.1", 1, "")
    watch.take({"kind": kind, "status": status, "subject": "s"}, 5.0)
    watch.take({"kind": kind, "status": status, "subject": "s"}, 9.0)
    assert (watch.decided, watch.waiting) == ({"s": 5.0} if decided else {}, {"s": 5.0} if waiting else {}), why


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["python", "-m", "api.cli", "serve"], "supervisor"),
        (["python", "-m", "api.cli", "run", "web"], "web"),
        (["python", "-m", "api.cli", "run", "worker"], "worker"),
        (["python", "-m", "api.cli", "run", "engine"], "engine"),
        (["python", "-c", "from multiprocessing.spawn import spawn_main"], "solver"),
        (["postgres: doorstep-1: checkpointer "], "database"),
    ],
)
def test_a_process_is_known_by_its_command(command: list[str], name: str) -> None:
    assert meter.part(command) == name


def test_the_meter_keeps_the_largest_moment() -> None:
    watching = meter.Meter(lambda: [psutil.Process()], every_s=0.01)
    watching.start()
    watching.stop()
    assert watching.peak.total() > 1_000_000
    assert set(watching.cores()) == {"database"}  # whatever is none of ours is counted there


def test_the_bench_runs_on_the_policy_that_ships_but_for_the_daily_limit() -> None:
    from tools import policy

    own, shipped = policy.parse(bench_house._policy()), policy.default()
    limits = dict(shipped.limits) | {"spend_per_day_cents": bench_house.SPEND_A_DAY}
    assert own == shipped.model_copy(update={"limits": limits})
