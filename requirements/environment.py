"""Makes `.venv` from the lock files and keeps it up to date. `requirements/setup` starts it; standard library only.

The order of things: is there anything to do (a stamp tells, in milliseconds) -> get uv by whichever way works here ->
make the environment -> install the locked packages, by hash -> install this folder, so that `doorstep` is a command.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "doorstep-setup.json"
OURS = ROOT / ".bootstrap"  # where uv goes when the machine has none
ENGINE = ROOT / "optimizer" / "native"  # Python that becomes machine code
OLDEST_UV = (0, 5)
# This script may run on .venv's own Python, and .venv may have to go.
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)

# Measured on Linux x86-64: megabytes to download, megabytes on disk once byte-compiled.
SIZES_MB = {"run": (250, 1160), "test": (90, 300), "bench": (40, 100)}


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["lock"]:
        return lock(arguments[1:])
    groups = list(dict.fromkeys(["run", *arguments]))
    unknown = [group for group in groups if group not in SIZES_MB]
    if unknown:
        return say(f"There is no group {unknown[0]!r}: choose from {', '.join(SIZES_MB)}.", 2)
    stamp = read_stamp()
    missing = [group for group in groups if stamp.get(group) != fingerprint(group)]
    code = set_up(missing, stamp) if missing else 0
    return code or compile_engine()


def set_up(groups: list[str], stamp: dict[str, str]) -> int:
    started = time.monotonic()
    announce(groups)
    uv = find_uv()
    if uv is None:
        return say(the_one_command(), 1)
    if not usable():
        make_venv(uv)
    kept = {name: value for name, value in stamp.items() if name not in groups} | {"root": str(ROOT)}
    write_stamp(kept)  # from here on, until they are installed, these groups are not
    locks = [option for group in dict.fromkeys(["run", *groups]) for option in ("-r", str(LOCKS / f"{group}.lock"))]
    install(uv, "--require-hashes", "--compile-bytecode", *locks)
    # The build backend is one of the locked packages, hence no isolation: nothing unpinned is fetched.
    install(uv, "--no-build-isolation", "--no-deps", "--quiet", "--editable", str(ROOT))
    write_stamp(kept | {group: fingerprint(group) for group in groups})
    return say(f"Ready in {time.monotonic() - started:.0f} s.", 0)


def compile_engine() -> int:
    """Once for each version of the engine's sources, so that no request waits for a compiler."""
    sources, stamp = engine_sources(), stamped()
    if not sources or stamp.get("engine") == sources:
        return 0
    say("Compiling the routing engine for this machine: about a minute, once a version.")
    must([str(PYTHON), "-m", "optimizer.native"])
    write_stamp(stamp | {"engine": sources})
    return 0


def announce(groups: list[str]) -> None:
    download, disk = (sum(SIZES_MB[group][k] for group in groups) for k in (0, 1))
    version = ".".join(map(str, sys.version_info[:3]))
    say(
        f"Setting up .venv (Python {version}) for: {', '.join(groups)}. About {download} MB to download, "
        f"{disk} MB on disk, then half a minute of byte-compiling; it happens once."
    )


def install(uv: Path, *options: str) -> None:
    must([str(uv), "pip", "install", "--python", str(PYTHON), *options])


def make_venv(uv: Path) -> None:
    if VENV.exists():
        shutil.rmtree(VENV)
    must([str(uv), "venv", "--quiet", "--python", BASE_PYTHON, str(VENV)])


def lock(options: list[str]) -> int:
    """Write the lock files; `--upgrade` moves the pins. No registry's address gets into them."""
    uv = find_uv()
    if uv is None:
        return say(the_one_command(), 1)
    common = ["--universal", "--generate-hashes", "--python-version", "3.11", "--quiet", "--no-emit-index-url"]
    common += ["--no-emit-find-links", "--custom-compile-command", "make lock", *options]
    for name, sources in {
        "bootstrap": ["--group", "bootstrap"],
        "run": ["pyproject.toml", "--group", "build"],
        "test": ["--group", "test", "--constraints", "requirements/run.lock"],
        "bench": ["--group", "bench", "--constraints", "requirements/run.lock"],
    }.items():
        must([str(uv), "pip", "compile", *sources, *common, "--output-file", f"requirements/{name}.lock"])
    return 0


# What is installed


def read_stamp() -> dict[str, str]:
    """What this script installed, by group; nothing when the environment can't be used as it is."""
    return stamped() if usable() else {}


def stamped() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def usable() -> bool:
    """Whether .venv can be kept: a folder that was moved has scripts that point at the old one."""
    stamp, version = stamped(), venv_python()
    return bool(version) and stamp.get("python", version) == version and stamp.get("root", str(ROOT)) == str(ROOT)


def write_stamp(stamp: Mapping[str, str]) -> None:
    STAMP.write_text(json.dumps({**stamp, "python": venv_python()}, indent=1) + "\n")


def venv_python() -> str:
    """The version of the environment's Python, "" when it does not start or is not the one asked for."""
    if sys.prefix == str(VENV):
        return version_of(sys.version_info)
    asked = version_of(sys.version_info) if os.environ.get("PYTHON") else ""
    question = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    found = answer([str(PYTHON), "-c", question])
    return found if not asked or found == asked else ""


def version_of(info: tuple[object, ...]) -> str:
    return ".".join(map(str, info[:2]))


def fingerprint(group: str) -> str:
    """Changes with anything that this group's installation depends on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = json.dumps([project["project"], project["build-system"]]).encode()
    return hashlib.sha256(asked + (LOCKS / f"{group}.lock").read_bytes()).hexdigest()


def engine_sources() -> str:
    """Changes with the engine's sources and with the packages that compile them; "" where there is no engine."""
    files = sorted(ENGINE.glob("*.py"))
    parts = [file.read_bytes() for file in files] + [fingerprint("run").encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest() if files else ""


# Where uv comes from


def find_uv() -> Path | None:
    ways: tuple[Callable[[], Path | None], ...] = (uv_on_path, uv_kept, uv_by_venv, uv_by_pip, uv_after_apt)
    return next((uv for way in ways if (uv := way()) and works(uv)), None)


def works(uv: Path) -> bool:
    version = re.match(r"uv (\d+)\.(\d+)", answer([str(uv), "--version"]))
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_UV


def uv_on_path() -> Path | None:
    found = shutil.which("uv")
    return Path(found) if found else None


def uv_kept() -> Path | None:
    return next((uv for uv in (OURS / "venv" / "bin" / "uv", OURS / "pip" / "bin" / "uv") if uv.exists()), None)


def uv_by_venv() -> Path | None:
    """A small environment of its own, with the pip that Python brings (Debian leaves it out of python3)."""
    home = OURS / "venv"
    shutil.rmtree(home, ignore_errors=True)
    if not succeeds([BASE_PYTHON, "-m", "venv", str(home)]):
        shutil.rmtree(home, ignore_errors=True)
        return None
    return uv_with([str(home / "bin" / "python"), "-m", "pip"], home / "bin" / "uv")


def uv_by_pip() -> Path | None:
    """The system's pip, into a folder of ours: allowed even where the system's own packages are not pip's to touch."""
    home = OURS / "pip"
    pips = ([BASE_PYTHON, "-m", "pip"], ["python3", "-m", "pip"], ["pip3"], ["pip"])
    pip = next((pip for pip in pips if succeeds([*pip, "--version"])), None)
    return uv_with(pip, home / "bin" / "uv", "--upgrade", "--target", str(home)) if pip else None


def uv_with(pip: list[str], uv: Path, *where: str) -> Path | None:
    say("Getting uv, the installer (about 20 MB).")
    quietly = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(LOCKS / "bootstrap.lock")]
    return uv if run([*pip, "install", *quietly, *where]) == 0 else None


def uv_after_apt() -> Path | None:
    if os.geteuid() != 0 or not shutil.which("apt-get") or succeeds([BASE_PYTHON, "-c", "import ensurepip"]):
        return None
    say(f"Installing {venv_package()} with apt-get.")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    run([*apt, "update"])
    return uv_by_venv() if run([*apt, "install", "-y", "--no-install-recommends", venv_package()]) == 0 else None


def venv_package() -> str:
    return f"python{version_of(sys.version_info)}-venv"


def the_one_command() -> str:
    sudo = "" if os.geteuid() == 0 else "sudo "
    commands = {
        "apt-get": f"{sudo}apt-get install {venv_package()}",
        "dnf": f"{sudo}dnf install python3-pip",
        "zypper": f"{sudo}zypper install python3-pip",
        "pacman": f"{sudo}pacman -S uv",
        "apk": f"{sudo}apk add uv",
        "brew": "brew install uv",
    }
    command = next((command for tool, command in commands.items() if shutil.which(tool)), "python3 -m ensurepip")
    if (OURS / "venv").exists():  # there is a pip, and it told what is wrong
        return "The package registry could not be used: pip's message is above (its settings and proxies apply)."
    return f"No uv on the PATH, and neither venv nor pip works here. Run this, then again:\n  {command}"


# How the registry is reached


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Our environment, with pip's settings handed to uv, which reads none of them."""
    env = {name: value for name, value in given.items() if name not in ("UV_SYSTEM_PYTHON", "PYTHONHOME")}
    env.update(PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0", PIP_ROOT_USER_ACTION="ignore", UV_PYTHON_DOWNLOADS="never")
    pip = pip_settings(given)
    for setting, names, separator in (
        ("index-url", ("UV_DEFAULT_INDEX", "UV_INDEX_URL"), " "),
        ("extra-index-url", ("UV_INDEX", "UV_EXTRA_INDEX_URL"), " "),
        ("find-links", ("UV_FIND_LINKS",), ","),
        ("trusted-host", ("UV_INSECURE_HOST",), " "),
        ("timeout", ("UV_HTTP_TIMEOUT",), " "),
        ("cert", ("SSL_CERT_FILE",), " "),
        ("proxy", ("ALL_PROXY", "HTTPS_PROXY", "https_proxy", "all_proxy"), " "),
    ):
        if setting in pip and not any(name in given for name in names):
            env[names[0]] = separator.join(pip[setting].split())
    if "extra-index-url" in pip:
        # pip takes the best version of all indexes, uv by default the first index that knows the name. The hashes
        # decide what is installed either way.
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return env


def pip_settings(given: Mapping[str, str]) -> dict[str, str]:
    """pip's settings, as pip merges them: its files from the widest to the narrowest, then PIP_... variables."""
    home, own = Path(given.get("HOME", "/")), given.get("PIP_CONFIG_FILE", "")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf")]
    if not own:
        files += [home / ".pip/pip.conf", home / "Library/Application Support/pip/pip.conf"]
        files += [Path(given.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"]
    files += [Path(sys.base_prefix) / "pip.conf"]
    parser = configparser.RawConfigParser(strict=False)
    parser.read([own] if own == os.devnull else [*files, own])
    settings = {
        name: value
        for section in ("global", "install")
        if parser.has_section(section)
        for name, value in parser.items(section)
    }
    settings |= {name[4:].lower(): value for name, value in given.items() if name.startswith("PIP_")}
    settings = {name.replace("_", "-"): value for name, value in settings.items() if value}
    return {"timeout": settings["default-timeout"], **settings} if "default-timeout" in settings else settings


# Programs


def run(command: list[str]) -> int:
    return subprocess.run(command, env=environment(), cwd=ROOT, check=False).returncode


def must(command: list[str]) -> None:
    code = run(command)
    if code:
        raise SystemExit(say(f"Set-up stopped: `{' '.join(command[:3])}` failed, its message is above.", code))


def succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def answer(command: list[str]) -> str:
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def say(text: str, code: int = 0) -> int:
    print(text, file=sys.stderr if code else sys.stdout, flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
