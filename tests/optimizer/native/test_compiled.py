"""Where machine code is kept, and that a process finds it instead of compiling."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.native import compiled

IMPORT = "import optimizer.native.near, optimizer.native.compiled as c; print(c.FOLDER)"
ROOT = Path(__file__).resolve().parents[3]


def imported(**env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", IMPORT], env={**os.environ, **env}, capture_output=True, text=True, check=True, cwd=ROOT
    )


def test_a_second_process_loads_what_the_first_one_compiled() -> None:
    """This test's process has imported all of them, so the cache is warm: nothing is said, nothing is compiled."""
    __import__("optimizer.native.live")
    before = {file: file.stat().st_mtime_ns for file in compiled.FOLDER.rglob("*.nb?")}
    assert compiled.is_warm(compiled.FOLDER)
    done = imported()
    assert "compiling" not in done.stdout + done.stderr
    assert {file: file.stat().st_mtime_ns for file in compiled.FOLDER.rglob("*.nb?")} == before


def test_a_cold_cache_says_so_and_works(tmp_path: Path) -> None:
    done = imported(NUMBA_CACHE_DIR=str(tmp_path))
    assert "compiling_the_routing_engine" in done.stdout + done.stderr
    assert "make setup" in done.stdout + done.stderr
    assert list(tmp_path.rglob("*.nbi"))


def test_the_folder_that_the_user_names_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compiled.cache_folder() == tmp_path / f"doorstep-{compiled.fingerprint()}"


def test_an_installation_that_may_only_be_read_uses_the_users_cache_filled_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    shipped = package / "__pycache__" / "doorstep-abc"
    shipped.mkdir(parents=True)
    (shipped / "one.nbi").write_bytes(b"index")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "HERE", package)
    monkeypatch.setattr(compiled, "fingerprint", lambda: "abc")
    assert compiled.cache_folder() == shipped
    monkeypatch.setattr(compiled, "_writable", lambda folder: package not in folder.parents)
    found = compiled.cache_folder()
    assert found == tmp_path / "cache" / "doorstep" / "doorstep-abc"
    assert (found / "one.nbi").read_bytes() == b"index"


WORK = """
import tools.engine, tools.live_day, tools.slot_search  # what the engine process works with
from numba.core import event
from optimizer.native.engine import solve
from optimizer.native.resident import Resident
from optimizer.problem import rebuilt
from tests.optimizer.native.test_engine import city

class Seen(event.Listener):
    compiled = 0
    def on_start(self, event): Seen.compiled += 1
    def on_end(self, event): pass

with event.install_listener("numba:compile", Seen()):
    for both_ways in (True, False):
        day, matrix = city(40, 3, 1, both_ways)
        start = rebuilt(day, stops=day.stops[:-1])
        plan = solve(start, matrix, iterations=50)
        held = Resident(rebuilt(start, routes={r.vehicle_id: r.stop_ids for r in plan.routes}), matrix)
        places = held.places(day.stops[-1])
        held.insert(day.stops[-1], places[0])
        held.what_ifs([day.stops[-1].model_copy(update={"id": "other", "windows": ()})])
        held.remove(day.stops[-1].id)
        held.polish(50)
        held.break_down("v0")
print("compiled", Seen.compiled)
"""


def test_no_request_to_a_ready_engine_waits_for_a_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "compiled 0"


def test_web_and_worker_load_no_compiled_code_before_it_is_used() -> None:
    asked = "import sys, api.app, api.worker; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"
