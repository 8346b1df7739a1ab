"""The ground of the embedded server: its user, its binaries, its socket's folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import postgres_host as host
from core.errors import Misconfigured

as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is asked for")


@pytest.fixture
def account() -> host.Account:
    return host.current_account()


@pytest.fixture
def place(account: host.Account) -> Iterator[Path]:
    """A folder of the server's user in the temporary folder, short and open to pass, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="dt-"))
    path.chmod(0o755)
    os.chown(path, account.uid, account.gid)
    yield path
    shutil.rmtree(path)


def own_socket_dir(base: Path, account: host.Account, folder: Path) -> Path:
    return base / f"doorstep-{account.uid}-{host.hashed(folder)}"


def test_the_socket_is_in_the_runtime_folder_of_the_servers_user(
    place: Path, account: host.Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    made = host.make_socket_dir(account, Path("/data"))
    assert made == own_socket_dir(place, account, Path("/data"))
    assert account.owns(made, private=True)
    assert host.make_socket_dir(account, Path("/data")) == made
    assert host.make_socket_dir(account, Path("/data2")) != made


@pytest.mark.parametrize(
    ("runtime", "mode", "reason"),
    [
        ("none", None, "it does not exist, as in a container"),
        ("open", 0o777, "others could put their own socket there"),
        ("r" * 60, 0o700, "the path of the socket would be cut off"),
        ("a,b", 0o700, "the setting and libpq read a comma as the start of another one"),
        ("a&b", 0o700, "the URL reads it as the end of the host"),
    ],
)
def test_an_unfit_runtime_folder_is_passed_over_for_the_temporary_one(
    runtime: str, mode: int | None, reason: str, place: Path, account: host.Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode is not None:
        (place / runtime).mkdir()
        os.chown(place / runtime, account.uid, account.gid)
        (place / runtime).chmod(mode)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / runtime))
    made = host.make_socket_dir(account, place / "data")
    made.rmdir()
    assert made == own_socket_dir(Path(tempfile.gettempdir()), account, place / "data"), reason


@pytest.mark.parametrize(
    "trap",
    [
        pytest.param("link", id="a link to a folder that is rightly owned"),
        pytest.param("file", id="a file"),
        pytest.param("foreign", id="a folder of another user", marks=as_root_only),
    ],
)
def test_a_socket_folder_that_somebody_else_made_is_refused(
    trap: str, place: Path, account: host.Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    path = own_socket_dir(place, account, Path("/data"))
    if trap == "link":
        (place / "elsewhere").mkdir()
        path.symlink_to(place / "elsewhere")
    elif trap == "file":
        path.touch()
    else:
        path.mkdir(mode=0o777)
        os.chown(path, 65534, 65534)
    before = path.lstat()
    with pytest.raises(Misconfigured, match="somebody else made it") as raised:
        host.make_socket_dir(account, Path("/data"))
    assert "DATABASE_URL" in raised.value.fix
    after = path.lstat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


def test_a_copy_of_the_binaries_runs_where_the_originals_can_not_be_entered(place: Path, account: host.Account) -> None:
    wheel = host.wheel_binaries()
    installed = place / "installed"
    for part in (wheel.parent, wheel.parents[1].with_name(f"{host.PACKAGE}.libs")):
        shutil.copytree(part, installed / part.relative_to(wheel.parents[2]), symlinks=True)
    binaries = installed / wheel.relative_to(wheel.parents[2])
    if os.geteuid() == 0:
        os.chown(installed, 0, 0)
        installed.chmod(0o700)
        assert not account.can_run(binaries)
    copied = host.copy_binaries(binaries, place / "var" / "postgresql-18-test")
    shutil.rmtree(installed)
    assert account.can_run(copied)
    assert not (copied / "postgres").stat().st_mode & 0o022
    assert host.copy_binaries(binaries, place / "var" / "postgresql-18-test") == copied
    assert [path.name for path in (place / "var").iterdir()] == ["postgresql-18-test"]


def test_the_first_closed_folder_on_the_way_is_named(place: Path, account: host.Account) -> None:
    (place / "it's" / "deep").mkdir(parents=True)
    os.chown(place / "it's", account.uid, account.gid)
    assert account.barred_from(place / "it's" / "deep") is None
    (place / "it's").chmod(0o600)
    assert account.barred_from(place / "it's" / "deep") == place / "it's"
    (place / "it's").chmod(0o700)


def test_what_it_runs_gets_no_secret_of_ours(account: host.Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "opens-nothing")
    monkeypatch.setenv("PGOPTIONS", "-c fsync=off")
    code, output = account.run("/usr/bin/env", PGDATA="/data")
    assert code == 0
    assert "PGDATA=/data" in output.splitlines()
    assert not {"OPENAI_API_KEY", "PGOPTIONS"} & {line.partition("=")[0] for line in output.splitlines()}


def test_without_a_way_to_add_a_user_root_is_told_what_to_do() -> None:
    with pytest.raises(Misconfigured, match="there is no useradd here") as raised:
        host.server_account("doorstep-nobody-has-this-name", search="/nonexistent")
    assert "DATABASE_URL" in raised.value.fix
