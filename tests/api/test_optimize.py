"""`POST /api/optimize`: VROOM's shapes over HTTP, solved elsewhere, ended when nobody waits."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlparse

import psutil
import pytest

from api.routes import optimize
from tests.api.visitors import Visitors, post, refused
from tests.api.vroom.judge import faults
from tests.api.vroom.test_whole import a_problem
from tests.api.wires import served


def test_a_problem_goes_in_and_its_solution_comes_out(visitors: Visitors) -> None:
    problem = a_problem(3)
    answer = post(visitors.a("integrator"), "/api/optimize?t=0.3", problem)

    assert answer.status_code == 200, answer.text
    assert faults(problem, answer.json()) == []
    checked = {**problem, "vehicles": [{**problem["vehicles"][0], "steps": [{"type": "job", "id": 0}]}]}
    told = post(visitors.a("dispatcher"), "/api/optimize?c=true", checked).json()
    assert [step["type"] for step in told["routes"][0]["steps"]].count("job") == 1


WRONG: list[tuple[Any, str]] = [
    ({"vehicles": []}, "vehicles: "),
    ({"vehicles": [{"id": 1}]}, "vehicles[0].start: "),
    ([], "problem: "),
]


@pytest.mark.parametrize(("problem", "begins"), WRONG)
def test_an_error_has_vrooms_shape_and_names_the_field(visitors: Visitors, problem: Any, begins: str) -> None:
    answer = post(visitors.a("integrator"), "/api/optimize", problem)

    assert answer.status_code == 422
    assert answer.json()["code"] == 2
    assert answer.json()["error"].startswith(begins)


def test_a_problem_that_is_too_large_is_not_read_to_its_end(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimize, "MOST_BYTES", 1000)
    refused(post(visitors.a("integrator"), "/api/optimize", {"jobs": "x" * 2000}), 413)


def test_when_every_place_is_taken_the_next_one_is_told_to_come_back(visitors: Visitors) -> None:
    visitors.app.state.solving |= set(range(optimize.AT_ONCE))
    answer = post(visitors.a("integrator"), "/api/optimize", a_problem(1))
    visitors.app.state.solving.clear()
    refused(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_solve_ends_when_its_sender_hangs_up(visitors: Visitors) -> None:
    token = visitors.a("integrator").headers["Authorization"]
    body = json.dumps(a_problem(2)).encode()
    with served(visitors.app) as address:
        at = urlparse(address)
        with socket.create_connection((at.hostname or "", at.port or 0)) as line:
            head = f"POST /api/optimize?t=60 HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert _until(lambda: solvers() == 1, 20)
        assert _until(lambda: solvers() == 0, 2), "a place is free again within seconds"
        assert _until(lambda: not visitors.app.state.solving, 2)


def solvers() -> int:
    """Processes of ours that solve a problem."""
    return sum("api.vroom" in child.cmdline() for child in psutil.Process().children() if child.status() != "zombie")


def _until(holds: Any, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False
