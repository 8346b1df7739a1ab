"""Set-up on machines of all kinds: which Python, where uv comes from, what is done twice. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.bare_machine import APT, BROKEN, OLD, PYTHON, Machine

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "requirements"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    (tmp_path / "clone").mkdir()
    shutil.copytree(LOCKS, tmp_path / "clone" / "requirements", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "clone")
    return Machine(tmp_path)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """A machine on which set-up has run once."""
    machine.put_python("python3")
    machine.put_uv()
    assert machine.set_up("run").returncode == 0
    machine.uv_calls()
    return machine


# Which Python


PYTHONS = [
    ({"python3": "good"}, "python3", "the usual one"),
    ({"python3": OLD, "python3.12": "good"}, "python3.12", "the system's is older than 3.11"),
    ({"python3": BROKEN, "python3.11": "good"}, "python3.11", "a shim stands for a version that is not there"),
    ({"python3": OLD, "python3.14": BROKEN, "python3.13": "good"}, "python3.13", "a broken one is passed over"),
    ({"python3.12": "good", "python3.11": "good"}, "python3.12", "the newest, when there is no python3"),
]


@pytest.mark.parametrize(("there", "chosen", "why"), PYTHONS)
def test_a_python_that_fits_is_found(machine: Machine, there: dict[str, str], chosen: str, why: str) -> None:
    machine.put_uv()
    for name, text in there.items():
        machine.put_python(name, text)
    done = machine.set_up("run")
    assert done.returncode == 0, done.stderr
    assert (machine.home / f"chosen-{chosen}").exists(), why


def test_the_python_that_the_user_names_is_taken(machine: Machine) -> None:
    machine.put_uv()
    machine.put_python("python3")
    machine.put_python("mine")
    assert machine.set_up("run", PYTHON=str(machine.home / "bin" / "mine")).returncode == 0
    assert (machine.home / "chosen-mine").exists()


@pytest.mark.parametrize(
    ("there", "env", "said"),
    [
        ({}, {}, "python3 is not there or does not start"),
        ({"python3": OLD}, {}, "python3 is 3.9"),
        ({"python3": BROKEN}, {}, "python3 is not there or does not start"),
        ({"python3": "good"}, {"PYTHON": "/nowhere/python3.13"}, "/nowhere/python3.13 is not there"),
    ],
    ids=["none", "old", "broken", "named but missing"],
)
def test_without_one_set_up_says_which_it_needs(
    machine: Machine, there: dict[str, str], env: dict[str, str], said: str
) -> None:
    for name, text in there.items():
        machine.put_python(name, text)
    done = machine.set_up("run", **env)
    assert done.returncode == 1
    assert "needs Python 3.11, 3.12, 3.13 or 3.14" in done.stderr
    assert said in done.stderr
    assert "make setup PYTHON=" in done.stderr


# What is installed, and what is not done twice


def test_packages_are_installed_by_hash_and_this_folder_from_them(machine: Machine) -> None:
    machine.put_python("python3")
    machine.put_uv()
    done = machine.set_up("run", "test")
    assert re.search(r"About \d+ MB to download, \d+ MB on disk", done.stdout)
    venv, packages, folder = machine.uv_calls()
    assert venv[0] == "venv"
    assert {"--require-hashes", "--compile-bytecode"} <= set(packages)
    assert [Path(path).name for path in packages if path.endswith(".lock")] == ["run.lock", "test.lock"]
    assert {"--no-build-isolation", "--no-deps", "--editable"} <= set(folder)


def test_the_second_time_nothing_is_done(ready: Machine) -> None:
    done = ready.set_up("run")
    assert (done.returncode, done.stdout, ready.uv_calls()) == (0, "", [])


def test_a_group_is_added_once_and_the_first_stays(ready: Machine) -> None:
    ready.set_up("run", "test")
    assert [call[0] for call in ready.uv_calls()] == ["pip", "pip"]
    ready.set_up("run")
    ready.set_up("run", "test")
    assert ready.uv_calls() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "calls", "why"),
    [
        ("requirements/run.lock", "httpx==", "httpx==9.", 2, "a pin has moved"),
        ("requirements/bench.lock", "pillow==", "pillow==9.", 0, "a pin of a group that is not asked for"),
        ("pyproject.toml", 'doorstep = "api.cli:main"', 'doorstep = "api.cli:other"', 2, "the command has moved"),
        ("pyproject.toml", "line-length = 120", "line-length = 100", 0, "a linter's setting installs nothing"),
    ],
)
def test_only_what_changes_the_installation_installs(
    ready: Machine, file: str, old: str, new: str, calls: int, why: str
) -> None:
    path = ready.clone / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert ready.set_up("run").returncode == 0
    assert len(ready.uv_calls()) == calls, why


def test_the_engine_is_compiled_once_a_version(ready: Machine) -> None:
    engine = ready.clone / "optimizer" / "native"
    engine.mkdir(parents=True)
    for package in (engine.parent, engine):
        (package / "__init__.py").write_text("")
    (engine / "__main__.py").write_text("print('machine code')\n")
    assert "machine code" in ready.set_up("run").stdout
    assert ready.set_up("run").stdout == ""
    (engine / "search.py").write_text("# another search\n")
    assert "Compiling the routing engine" in ready.set_up("run").stdout
    (engine / "__main__.py").write_text("raise SystemExit(1)\n")
    assert ready.set_up("run").returncode == 1
    assert ready.uv_calls() == [], "nothing is installed for it"


def test_an_environment_that_was_moved_is_made_anew(ready: Machine) -> None:
    ready.clone.rename(ready.home / "elsewhere")
    ready.clone.symlink_to(ready.home / "elsewhere")
    ready.set_up("run")
    assert [call[0] for call in ready.uv_calls()] == ["venv", "pip", "pip"]


def test_an_environment_whose_python_is_gone_is_made_anew(ready: Machine) -> None:
    (ready.clone / ".venv" / "bin" / "python").write_text(BROKEN)
    ready.set_up("run")
    assert [call[0] for call in ready.uv_calls()] == ["venv", "pip", "pip"]


def test_a_set_up_that_failed_is_tried_again(machine: Machine) -> None:
    machine.put_python("python3")
    machine.put_failing_uv()
    done = machine.set_up("run")
    assert done.returncode == 1
    assert "Set-up stopped" in done.stderr
    machine.put_uv()
    machine.uv_calls()
    assert machine.set_up("run").returncode == 0
    assert [call[0] for call in machine.uv_calls()] == ["pip", "pip"]


def test_half_an_update_is_not_taken_for_what_was_there_before(ready: Machine) -> None:
    lock = ready.clone / "requirements" / "run.lock"
    before = lock.read_text()
    lock.write_text(before + "# moved\n")
    ready.put_failing_uv()
    assert ready.set_up("run").returncode == 1
    lock.write_text(before)
    ready.put_uv()
    ready.uv_calls()
    ready.set_up("run")
    assert [call[0] for call in ready.uv_calls()] == ["pip", "pip"]


def test_an_unknown_group_is_named(machine: Machine) -> None:
    machine.put_python("python3")
    done = machine.set_up("tset")
    assert (done.returncode, "'tset'" in done.stderr) == (2, True)


# Where uv comes from


@pytest.fixture
def script(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """environment.py as a module, on a machine that has no uv and whose Python has what `has` says."""
    has, log = machine.home / "has", machine.home / "python.log"
    has.mkdir()
    machine.put_uv()
    (machine.home / "bin" / "uv").rename(has / "uv")
    python = machine.put("python3", PYTHON.format(python=sys.executable, has=has, log=log))
    spec = importlib.util.spec_from_file_location("environment", machine.clone / "requirements" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BASE_PYTHON", str(python))
    monkeypatch.setenv("PATH", str(machine.home / "bin"))
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    return module


@pytest.mark.parametrize(
    ("has", "found", "why"),
    [
        (["venv", "pip", "registry"], ".bootstrap/venv/bin/uv", "venv is the cleanest"),
        (["pip", "registry"], ".bootstrap/pip/bin/uv", "no venv: the system's pip, into a folder of ours"),
        (["venv", "pip"], None, "the registry can't be reached"),
        ([], None, "neither"),
    ],
)
def test_uv_comes_by_whichever_way_works(
    script: ModuleType, machine: Machine, has: list[str], found: str | None, why: str
) -> None:
    for name in has:
        (machine.home / "has" / name).touch()
    assert script.find_uv() == (machine.clone / found if found else None), why
    asked = (machine.home / "python.log").read_text()
    assert ("--require-hashes" in asked) == bool(has)


def test_uv_that_was_got_is_kept(script: ModuleType, machine: Machine) -> None:
    for name in ("venv", "registry"):
        (machine.home / "has" / name).touch()
    first = script.find_uv()
    (machine.home / "python.log").unlink()
    assert script.find_uv() == first
    assert not (machine.home / "python.log").exists()


@pytest.mark.parametrize(("version", "taken"), [("0.9.1", True), ("1.0.0", True), ("0.4.30", False)])
def test_a_uv_on_the_path_is_taken_unless_it_is_too_old(
    script: ModuleType, machine: Machine, version: str, taken: bool
) -> None:
    machine.put_uv(version)
    assert (script.find_uv() == machine.home / "bin" / "uv") == taken


def test_root_on_debian_gets_venv_by_apt(script: ModuleType, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    log = machine.home / "apt.log"
    machine.put("apt-get", APT.format(log=log, has=machine.home / "has"))
    (machine.home / "has" / "registry").touch()
    assert script.find_uv() is None  # nobody else's machine is changed
    assert not log.exists()
    monkeypatch.setattr(script.os, "geteuid", lambda: 0)
    assert script.find_uv() == machine.clone / ".bootstrap/venv/bin/uv"
    assert re.search(r"install .*python3\.\d+-venv", log.read_text())


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("apt-get", r"^  sudo apt-get install python3\.\d+-venv$"),
        ("dnf", "^  sudo dnf install python3-pip$"),
        ("brew", "^  brew install uv$"),
        ("nothing", "^  python3 -m ensurepip$"),
    ],
)
def test_when_nothing_works_it_names_the_one_command(
    script: ModuleType, machine: Machine, tool: str, command: str
) -> None:
    machine.put(tool, BROKEN)
    assert script.find_uv() is None
    assert re.search(command, script.the_one_command(), re.MULTILINE)


def test_a_registry_that_fails_is_not_taken_for_a_missing_pip(script: ModuleType, machine: Machine) -> None:
    (machine.home / "has" / "venv").touch()
    assert script.find_uv() is None
    assert "registry could not be used" in script.the_one_command()


# How the registry is reached


@pytest.mark.parametrize(
    ("given", "expected", "why"),
    [
        ({"PIP_INDEX_URL": "https://mirror.test/simple"}, {"UV_DEFAULT_INDEX": "https://mirror.test/simple"}, "index"),
        (
            {"PIP_INDEX_URL": "https://mirror.test/simple", "UV_DEFAULT_INDEX": "https://uv.test/simple"},
            {"UV_DEFAULT_INDEX": "https://uv.test/simple"},
            "uv's own setting wins",
        ),
        (
            {"PIP_EXTRA_INDEX_URL": "https://a.test/s\nhttps://b.test/s"},
            {"UV_INDEX": "https://a.test/s https://b.test/s", "UV_INDEX_STRATEGY": "unsafe-best-match"},
            "several, and the best version of all, as pip does",
        ),
        ({"PIP_CERT": "/etc/ca.pem"}, {"SSL_CERT_FILE": "/etc/ca.pem"}, "a company's certificate"),
        ({"PIP_PROXY": "http://proxy.test:3128"}, {"ALL_PROXY": "http://proxy.test:3128"}, "a proxy"),
        (
            {"PIP_PROXY": "http://proxy.test:3128", "HTTPS_PROXY": "http://other.test:1"},
            {"HTTPS_PROXY": "http://other.test:1", "ALL_PROXY": None},
            "the machine's proxy wins",
        ),
        ({"PIP_FIND_LINKS": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}, "folders of wheels"),
        ({"PIP_TRUSTED_HOST": "mirror.test"}, {"UV_INSECURE_HOST": "mirror.test"}, "a mirror without a certificate"),
        ({"PIP_DEFAULT_TIMEOUT": "99"}, {"UV_HTTP_TIMEOUT": "99"}, "a slow line"),
        ({}, {"UV_DEFAULT_INDEX": None, "UV_INDEX_STRATEGY": None}, "nothing set, nothing changed"),
    ],
)
def test_pips_settings_reach_uv(
    script: ModuleType, given: dict[str, str], expected: dict[str, str | None], why: str
) -> None:
    env = script.environment({"PIP_CONFIG_FILE": os.devnull, **given})
    assert {name: env.get(name) for name in expected} == expected, why


def test_pips_file_is_read_and_its_variables_win(script: ModuleType, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://file.test/simple\ncert = /file.pem\n[install]\ntimeout = 7\n")
    env = script.environment({"PIP_CONFIG_FILE": str(config), "PIP_CERT": "/variable.pem"})
    assert env["UV_DEFAULT_INDEX"] == "https://file.test/simple"
    assert (env["SSL_CERT_FILE"], env["UV_HTTP_TIMEOUT"]) == ("/variable.pem", "7")


# Locking


def test_locking_writes_no_path_into_the_files(machine: Machine) -> None:
    machine.put_python("python3")
    machine.put_uv()
    assert machine.set_up("lock", "--upgrade").returncode == 0
    calls = machine.uv_calls()
    assert [Path(call[-1]).name for call in calls] == ["bootstrap.lock", "run.lock", "test.lock", "bench.lock"]
    for call in calls:
        assert call[call.index("--custom-compile-command") + 1] == "make lock"
        assert {"--universal", "--generate-hashes", "--no-emit-index-url", "--upgrade"} <= set(call)
        assert str(machine.home) not in " ".join(call)
