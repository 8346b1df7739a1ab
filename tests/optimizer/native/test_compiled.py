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
