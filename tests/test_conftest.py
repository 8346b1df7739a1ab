"""The tests' own rules: the network is blocked, and CI takes no skip for a pass."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SKIPS = {
    "in the test": "import pytest\ndef test_a(): pytest.skip('no chromium')\n",
    "by a mark": "import pytest\n@pytest.mark.skip(reason='no chromium')\ndef test_a(): pass\n",
    "in a fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no chromium')\ndef test_a(f): pass\n",
    "of a file": "import pytest\npytest.skip('no chromium', allow_module_level=True)\n",
}


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_where_everything_must_run(source: str, tmp_path: Path) -> None:
    code, text = run_pytest(tmp_path, source, DOORSTEP_TEST_ALL="1")
    assert code != 0
    assert "allows no skip" in text
    assert "no chromium" in text


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_elsewhere_tells_its_reason(source: str, tmp_path: Path) -> None:
    code, text = run_pytest(tmp_path, source + "def test_b(): pass\n")
    assert code in (0, 5)  # 5: the file was skipped whole
    assert "no chromium" in text


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    code, text = run_pytest(
        tmp_path, "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n", DOORSTEP_TEST_ALL="1"
    )
    assert (code, "1 xfailed" in text) == (0, True)


# Addresses and a name that are set aside for documents and tests: nothing is there, should the block fail.
@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "tiles.invalid"])
def test_no_test_leaves_the_machine(host: str) -> None:
    with pytest.raises(RuntimeError, match="a test tried to reach"):
        socket.create_connection((host, 80), timeout=0.1)


def test_no_datagram_leaves_either() -> None:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender, pytest.raises(RuntimeError, match="a test tried to reach"):
        sender.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server((host, 0)) as server, socket.create_connection(server.getsockname()[:2], timeout=2):
        pass


def run_pytest(folder: Path, source: str, **env: str) -> tuple[int, str]:
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(folder)]
    env = {"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
