"""Keeps the embedded PostgreSQL: makes it at first use, starts it, counts the processes that use it, and stops it.

As whom it runs, and from which binaries, is in core/postgres_host.py; what is stored in it is in core/store.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psutil
import sqlalchemy
from pydantic import BaseModel, ConfigDict

from core import postgres_host as host
from core.errors import Misconfigured, Unavailable
from core.postgres_host import MAJOR, OWN_SERVER, SOCKET_NAME, Account

with suppress(ImportError):  # not on Windows, which EmbeddedPostgres refuses with a reason
    import fcntl

LOG_NAME, LOG_LIMIT_BYTES = "postgres.log", 10_000_000
LOCK_WAIT_S, START_WAIT_S, STOP_WAIT_S = 120, 120, 60
ALREADY_THERE = ("42P04", "23505")  # duplicate_database; unique_violation when two create it at once
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # names the socket; PGPORT must not
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # Failing statements and "Key (phone)=(...) exists" details would put personal data in the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

log = logging.getLogger(__name__)


class Status(BaseModel):
    """What `doorstep db status` shows."""

    model_config = ConfigDict(frozen=True)

    running: bool
    pid: int | None
    folder: Path
    socket_dir: Path | None
    handles: tuple[int, ...]
    version: str
    size_bytes: int


class Postmaster(NamedTuple):
    pid: int
    socket_dir: Path
    ready: bool

    @property
    def reachable(self) -> bool:
        """False once its socket was removed under it, as XDG_RUNTIME_DIR is at logout."""
        return not self.ready or (self.socket_dir / SOCKET_NAME).exists()


class EmbeddedPostgres:
    """One PostgreSQL server on one folder, shared by all processes that start() it and stopped by the last release().

    A process that stays must call ensure_running() now and then; that also brings back a server that somebody stopped.
    """

    def __init__(self, folder: Path) -> None:
        if sys.platform == "win32":
            raise Misconfigured("The embedded PostgreSQL runs on Linux and macOS only.", OWN_SERVER + ".")
        self.folder = folder.expanduser().resolve()
        # In the titles of all its processes: only this tells them from others where root may not look at their folder.
        self.name = f"doorstep-{host.hashed(self.folder)}"
        self._handles = self.folder.parent / f"{self.folder.name}.handles"
        self._lock = self.folder.parent / f"{self.folder.name}.lock"

    def start(self) -> str:
        """Makes the database at first use, starts its server or joins the running one, and returns its URL."""
        with self._locked():
            self._bring_up()
            self._add_handle()
            return self.url("postgres")

    def url(self, database: str) -> str:
        postmaster = self._postmaster()
        if postmaster is None or not postmaster.ready:
            raise Unavailable(f"The database server of {self.folder} is not running.", "Start it: doorstep serve.")
        address = f"host={postmaster.socket_dir}&port={SETTINGS['port']}"
        return f"postgresql+psycopg://postgres@/{quote(database, safe='')}?{address}"

    def release(self) -> None:
        """Drops this process's handle; without any live one left the server stops."""
        if not self._lock.exists():  # never started
            return
        with self._locked():
            (self._handles / str(os.getpid())).unlink(missing_ok=True)
            if not self._live_handles(prune=True):
                self._halt()

    def stop(self) -> None:
        """Stops the server now. Other processes keep their handles, and theirs is the choice to start it again."""
        if not self._lock.exists():  # never started
            return
        with self._locked():
            (self._handles / str(os.getpid())).unlink(missing_ok=True)
            self._halt()

    def status(self) -> Status:
        postmaster = self._postmaster()
        version = subprocess.run([host.wheel_binaries() / "postgres", "-V"], capture_output=True, text=True, check=True)
        return Status(
            running=postmaster is not None,
            pid=postmaster.pid if postmaster else None,
            folder=self.folder,
            socket_dir=postmaster.socket_dir if postmaster else None,
            handles=tuple(self._live_handles()),
            version=version.stdout.split()[-1],
            size_bytes=host.size_bytes(self.folder),
        )

    def ensure_running(self) -> bool:
        """Starts the server again if it died; True when it had to. Cheap when all is well."""
        postmaster = self._postmaster()
        if postmaster is not None and postmaster.reachable:
            return False
        with self._locked():
            started = self._bring_up()
            self._add_handle()
        if started:
            log.warning("the database server was down and has been started again: %s", self.folder)
        return started

    def _bring_up(self) -> bool:
        """Under the lock: leaves a ready server. True when it had to be started."""
        self._check_folder()
        if self._await_ready() is not None:
            return False
        self._halt()
        self._check_way()
        if not (self.folder / "PG_VERSION").exists():
            self._init()
        self._launch()
        return True

    def _init(self) -> None:
        """Makes the cluster beside its place and moves it there whole: a half-made one must never look like data."""
        parent, prefix = self.folder.parent, f".{self.folder.name}.new-"
        for abandoned in (path for path in parent.iterdir() if path.name.startswith(prefix)):
            shutil.rmtree(abandoned, ignore_errors=True)
        if self.folder.exists() and any(self.folder.iterdir()):
            raise Misconfigured(
                f"{self.folder} is not empty and holds no PostgreSQL data.",
                f"{OWN_SERVER}, or DOORSTEP_DATA to another folder.",
            )
        fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        os.chown(fresh, self._account.uid, self._account.gid)
        access = ("--username=postgres", "--auth-local=trust", "--auth-host=reject")
        # PostgreSQL's own collation: sorts alike on every machine and after every upgrade of the system.
        sorting = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        code, output = self._account.run(self._binaries / "initdb", "-D", fresh, *access, *sorting)
        if code:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Unavailable(f"The database could not be made in {parent}: {output[-1000:]}", OWN_SERVER + ".")
        fresh.rename(self.folder)
        host.sync(parent)
        log.info("made a PostgreSQL %s database in %s", MAJOR, self.folder)

    def _launch(self) -> None:
        socket_dir = host.make_socket_dir(self._account, self.folder)
        for lock in (self.folder / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
            # None of our processes is left. If the number lives, somebody else got it since (or it is a zombie), and
            # PostgreSQL, which looks at the number only, would refuse to start. A dead number it handles itself.
            with suppress(FileNotFoundError, ValueError, IndexError):
                if psutil.pid_exists(int(lock.read_text().split()[0])):
                    lock.unlink()
        _rotate(self.folder / LOG_NAME)
        settings = SETTINGS | {"unix_socket_directories": str(socket_dir), "cluster_name": self.name}
        options = shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
        output = self._pg_ctl("start", "-t", str(START_WAIT_S), "-l", LOG_NAME, "-o", options)
        if self._await_ready() is None:
            tail = host.tail(self.folder / LOG_NAME)
            raise Unavailable(f"The database server did not start: {output[-500:]}\n{tail}", OWN_SERVER + ".")

    def _halt(self) -> None:
        """Leaves no process of this server: a backend that outlived its postmaster would write beside the next one."""
        if not self._processes():
            return
        postmaster = self._postmaster()
        if postmaster is not None:
            self._pg_ctl("stop", "-m", "fast", "-t", str(STOP_WAIT_S))
        # Orphaned backends end by themselves (signal 0 does nothing) unless they are busy; SIGQUIT means "at once".
        for number, patience_s in ((0, 1.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self._ended(number, patience_s):
                break
        else:
            raise Unavailable(f"The processes of the server of {self.folder} can't be ended.", "Restart the machine.")
        if postmaster is not None:
            with suppress(OSError):  # not empty: not ours
                postmaster.socket_dir.rmdir()

    def _ended(self, number: int, patience_s: float) -> bool:
        for process in self._processes():
            with suppress(psutil.Error):
                process.send_signal(number)
        deadline = time.monotonic() + patience_s
        while self._processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _pg_ctl(self, action: str, *options: str) -> str:
        # The folder and the log go by the environment and the current folder: pg_ctl would pass them through a shell.
        pg_ctl = self._binaries / "pg_ctl"
        return self._account.run(pg_ctl, action, "-w", *options, cwd=self.folder, PGDATA=str(self.folder))[1]

    def _postmaster(self) -> Postmaster | None:
        """The living server, by its postmaster.pid. A stale file, or a number that is somebody else's now, is none."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise self._foreign() from None
        with suppress(psutil.Error, ValueError, IndexError):
            if self._is_ours(psutil.Process(int(lines[0]))):
                ready = len(lines) > 7 and lines[7].strip() == "ready"
                socket_dir = Path(lines[4]) if len(lines) > 4 else Path()
                return Postmaster(int(lines[0]), socket_dir, ready)
        return None

    def _await_ready(self) -> Postmaster | None:
        deadline = time.monotonic() + START_WAIT_S
        while (postmaster := self._postmaster()) is not None:
            if postmaster.ready:
                usable = postmaster.reachable and self._account.owns(postmaster.socket_dir, private=True)
                return postmaster if usable else None
            if time.monotonic() > deadline:
                raise Unavailable(f"The database server (process {postmaster.pid}) is not ready.", "Try again later.")
            time.sleep(0.02)
        return None

    def _processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.uids().effective != self._account.uid:
                return False
            titled = any(self.name in word for word in process.cmdline())
            return titled or Path(process.cwd()) == self.folder  # the latter: somebody started it by hand
        except (psutil.Error, OSError):
            return False

    def _add_handle(self) -> None:
        self._handles.mkdir(mode=0o700, exist_ok=True)
        self._live_handles(prune=True)
        (self._handles / str(os.getpid())).write_text(_birth(os.getpid()) or "")

    def _live_handles(self, *, prune: bool = False) -> list[int]:
        """A handle counts while its very process lives: the file has its name from the number, the birth inside."""
        alive = []
        for handle in self._handles.glob("[0-9]*"):
            with suppress(FileNotFoundError):  # status() reads without the lock
                if handle.read_text() == _birth(int(handle.name)):
                    alive.append(int(handle.name))
                elif prune:
                    handle.unlink()
        return sorted(alive)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts, stops or counts handles. The kernel frees the lock of a killed one."""
        try:
            host.make_folders(self.folder.parent)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            fix = f"{OWN_SERVER}, or DOORSTEP_DATA to a folder that you can write to."
            raise Misconfigured(f"{self._lock} can't be opened: {error.strerror}.", fix) from error
        try:
            deadline = time.monotonic() + LOCK_WAIT_S
            while not _flock(lock):
                if time.monotonic() > deadline:
                    raise Unavailable(f"Another process has been holding {self._lock} for {LOCK_WAIT_S} s.", "End it.")
                time.sleep(0.01)
            yield
        finally:
            os.close(lock)

    def _check_folder(self) -> None:
        if self.folder.exists() and self.folder.stat().st_uid != self._account.uid:
            raise self._foreign()
        with suppress(FileNotFoundError):
            found = (self.folder / "PG_VERSION").read_text().strip()
            if found != MAJOR:
                raise Misconfigured(
                    f"{self.folder} was made by PostgreSQL {found}, and this is PostgreSQL {MAJOR}.",
                    f"{OWN_SERVER} {found}, or dump it with PostgreSQL {found} (pg_dump) and load it into a new folder "
                    "(DOORSTEP_DATA).",
                )

    def _check_way(self) -> None:
        try:
            barred = self._account.barred_from(self.folder.parent)
        except (OSError, subprocess.SubprocessError) as error:
            raise Misconfigured(f"Can't run as {self._account.name}: {error}.", OWN_SERVER + ".") from error
        if barred is not None:
            raise Misconfigured(
                f"PostgreSQL runs as the user {self._account.name}, who can't enter {barred}.",
                f"{OWN_SERVER}, or DOORSTEP_DATA to a folder that everybody can pass through (mode 0711), or do not "
                "run as root.",
            )

    def _foreign(self) -> Misconfigured:
        return Misconfigured(
            f"{self.folder} does not belong to {self._account.name}, as whom its server would run.",
            f"{OWN_SERVER}, or DOORSTEP_DATA to another folder, or run as the user that made this one.",
        )

    @cached_property
    def _account(self) -> Account:
        return host.current_account()

    @cached_property
    def _binaries(self) -> Path:
        return host.binaries_for(self._account)


def default_folder(data: Path) -> Path:
    """Beside the other data, or, as root, where the server's own user can get without opening anybody's folders."""
    data = data.expanduser().resolve()
    if os.geteuid() == 0:
        return host.SYSTEM_FOLDER / host.hashed(data) / "postgres"
    return data / "postgres"


def ensure_database(url_admin: str, name: str) -> None:
    """Creates the database unless it is there."""
    engine = sqlalchemy.create_engine(url_admin, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as db:
        if db.scalar(sqlalchemy.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}):
            return
        try:
            db.exec_driver_sql(f"CREATE DATABASE {db.dialect.identifier_preparer.quote_identifier(name)}")
        except sqlalchemy.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in ALREADY_THERE:
                raise


def _birth(pid: int) -> str | None:
    """Tells a process from a later one of the same number; None when it is gone, or dead and not yet reaped."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if sys.platform != "linux":
            return str(process.create_time())
        # Ticks since boot: create_time() is by the wall clock here, and moves when that is set.
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {ticks}"
    except (psutil.Error, OSError):
        return None


def _flock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _rotate(path: Path) -> None:
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
