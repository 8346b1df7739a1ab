"""Real servers in short-lived folders. As root they run as another user, so those folders are open to pass."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy

from core import postgres_host as host
from core.errors import Misconfigured, Unavailable
from core.postgres import LOG_LIMIT_BYTES, LOG_NAME, EmbeddedPostgres, default_folder, ensure_database

ROOT = Path(__file__).parents[2]
NOBODY = 65534
Spawn = Callable[[EmbeddedPostgres], subprocess.Popen[str]]
as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="what is asked happens as root only")

USER_OF_THE_SERVER = """
import sys
from pathlib import Path
from core.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.status().pid, flush=True)
sys.stdin.readline()
server.release()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="doorstep-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(place: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(place / "postgres")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedPostgres]:
    """A started server for the tests that neither stop it nor mind each other's tables."""
    path = Path(tempfile.mkdtemp(prefix="doorstep-test-"))
    path.chmod(0o755)
    server = EmbeddedPostgres(path / "postgres")
    with pytest.MonkeyPatch.context() as patch:  # what our surroundings must not do to it
        patch.setenv("PGPORT", "5555")
        patch.setenv("PGDATA", "/nonexistent")
        server.start()
        yield server
    server.stop()
    shutil.rmtree(path)


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Starts another process that uses the server until it is told to release it."""
    spawned: list[subprocess.Popen[str]] = []

    def start(server: EmbeddedPostgres) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", USER_OF_THE_SERVER, str(server.folder)]
        spawned.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return spawned[-1]

    yield start
    for process in spawned:
        process.kill()
        process.communicate()


def postmaster_seen_by(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def let_release(process: subprocess.Popen[str]) -> None:
    process.communicate("release\n", timeout=20)
    assert process.returncode == 0


def query(url: str, *statements: str) -> object:
    """Runs them in one transaction; the first column of the last one's first row, if it has any."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as db:
        results = [db.execute(sqlalchemy.text(statement)) for statement in statements]
        return results[-1].scalar() if results[-1].returns_rows else None


def save_parcels(server: EmbeddedPostgres, count: int) -> None:
    query(
        server.url("postgres"), "CREATE TABLE parcel (id int)", f"INSERT INTO parcel SELECT generate_series(1, {count})"
    )


def count_parcels(server: EmbeddedPostgres) -> object:
    return query(server.url("postgres"), "SELECT count(*) FROM parcel")


def pid_of(server: EmbeddedPostgres) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def modes_on_the_way(*paths: Path) -> dict[Path, int]:
    return {folder: folder.stat().st_mode for path in paths for folder in path.parents}


def as_nobody(action: Callable[[], object]) -> str:
    """Runs it in a fork that gave root up: a new interpreter might stand where that user can't go."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            said = str(action())
        except BaseException:
            said = traceback.format_exc()
        os.write(sending, said.encode())
        os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    with os.fdopen(receiving) as answer:
        return answer.read()


def test_it_starts_reports_itself_and_stops(server: EmbeddedPostgres) -> None:
    url = server.start()
    status = server.status()
    assert url == f"postgresql+psycopg://postgres@/postgres?host={status.socket_dir}&port=5432"
    assert query(url, "SELECT 6 * 7") == 42
    assert (status.running, status.handles, status.folder) == (True, (os.getpid(),), server.folder)
    assert status.version.startswith("18.")
    assert status.size_bytes > 10_000_000
    server.stop()
    stopped = server.status()
    assert (stopped.running, stopped.pid, stopped.socket_dir, stopped.handles) == (False, None, None, ())
    assert status.socket_dir is not None
    assert not status.socket_dir.exists()
    assert not [at for at in psutil.process_iter(["cmdline"]) if server.name in " ".join(at.info["cmdline"] or [])]


def test_starting_it_again_joins_the_running_server(shared: EmbeddedPostgres) -> None:
    url, pid = shared.url("postgres"), pid_of(shared)
    assert (shared.start(), EmbeddedPostgres(shared.folder).start()) == (url, url)
    assert pid_of(shared) == pid


def test_a_server_that_never_started_has_a_status_and_no_url(server: EmbeddedPostgres) -> None:
    assert not server.status().running
    server.release()
    with pytest.raises(Unavailable, match="not running"):
        server.url("postgres")
    assert list(server.folder.parent.iterdir()) == []


def test_data_survives_a_restart(server: EmbeddedPostgres) -> None:
    server.start()
    save_parcels(server, 5)
    server.stop()
    server.start()
    assert count_parcels(server) == 5


def test_processes_that_start_at_once_share_one_server_which_the_last_release_stops(
    server: EmbeddedPostgres, spawn: Spawn
) -> None:
    first, second, third = spawn(server), spawn(server), spawn(server)
    assert len({postmaster_seen_by(process) for process in (first, second, third)}) == 1
    assert server.status().handles == tuple(sorted(process.pid for process in (first, second, third)))
    let_release(first)
    let_release(second)
    assert query(server.url("postgres"), "SELECT 1") == 1
    let_release(third)
    assert not server.status().running


def test_a_server_outlives_its_killed_starter_but_its_handle_does_not(server: EmbeddedPostgres, spawn: Spawn) -> None:
    starter = spawn(server)
    pid = postmaster_seen_by(starter)
    starter.kill()
    os.waitid(os.P_PID, starter.pid, os.WEXITED | os.WNOWAIT)  # dead, but not reaped: its number still exists
    assert psutil.pid_exists(starter.pid)
    server.start()
    assert (pid_of(server), server.status().handles) == (pid, (os.getpid(),))
    server.release()
    assert not server.status().running


def test_a_handle_whose_number_belongs_to_another_process_now_does_not_count(server: EmbeddedPostgres) -> None:
    server.start()
    stranger = 1
    handle = server.folder.parent / "postgres.handles" / str(os.getpid())
    shutil.copy(handle, handle.with_name(str(stranger)))
    assert server.status().handles == (os.getpid(),)
    server.release()
    assert not server.status().running


def test_a_killed_postmaster_is_replaced_even_while_an_orphan_of_it_is_busy(server: EmbeddedPostgres) -> None:
    url = server.start()
    save_parcels(server, 7)
    failures: list[Exception] = []

    def never_end() -> None:
        try:
            query(url, "DO $$ BEGIN LOOP END LOOP; END $$")
        except sqlalchemy.exc.OperationalError as error:
            failures.append(error)

    (busy := threading.Thread(target=never_end, daemon=True)).start()
    while query(url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO%' AND state = 'active'") != 1:
        pass
    killed = pid_of(server)
    os.kill(killed, signal.SIGKILL)
    while server.status().running:  # it takes the kernel a moment
        pass
    assert server.ensure_running()
    busy.join(timeout=10)
    assert len(failures) == 1
    assert pid_of(server) != killed
    assert count_parcels(server) == 7
    assert not server.ensure_running()


def test_a_server_whose_socket_was_swept_away_is_started_again(server: EmbeddedPostgres) -> None:
    server.start()
    assert not server.ensure_running()
    shutil.rmtree(server.status().socket_dir or pytest.fail("it does not run"))
    assert server.ensure_running()
    assert query(server.url("postgres"), "SELECT 1") == 1


def test_a_stale_pid_file_that_names_a_living_stranger_is_no_hindrance(server: EmbeddedPostgres) -> None:
    server.start()
    pid_file = server.folder / "postmaster.pid"
    _, *rest = pid_file.read_text().splitlines()
    server.stop()
    account = host.current_account()
    whom = {} if account.is_us else {"user": account.uid, "group": account.gid}
    with subprocess.Popen(["sleep", "60"], **whom) as stranger:  # type: ignore[call-overload]
        pid_file.write_text("\n".join([str(stranger.pid), *rest]))
        os.chown(pid_file, account.uid, account.gid)
        assert not server.status().running
        assert server.ensure_running()
        assert query(server.url("postgres"), "SELECT 1") == 1
        server.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_a_half_made_database_of_a_killed_start_is_thrown_away(server: EmbeddedPostgres) -> None:
    half_made = server.folder.parent / ".postgres.new-abc"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    server.start()
    assert not half_made.exists()


def test_a_long_and_odd_path_is_no_hindrance(place: Path) -> None:
    server = EmbeddedPostgres(place / f'Anna\'s $HOME `id` "{"x" * 120}"' / "postgres")
    try:
        assert query(server.start(), "SELECT 1") == 1
        assert len(str(server.status().socket_dir)) < 80
        assert (server.folder / LOG_NAME).exists()
    finally:
        server.stop()


def test_it_listens_on_nothing_but_its_private_socket(shared: EmbeddedPostgres) -> None:
    socket_dir = shared.status().socket_dir or pytest.fail("it does not run")
    assert query(shared.url("postgres"), "SHOW listen_addresses") == ""
    assert (shared.folder / "postmaster.pid").read_text().splitlines()[5] == ""  # where it names its TCP address
    assert [oct(path.stat().st_mode & 0o777) for path in (socket_dir, shared.folder)] == ["0o700", "0o700"]
    assert oct((socket_dir / host.SOCKET_NAME).stat().st_mode & 0o777) == "0o700"


def test_it_is_apart_from_our_terminal_and_our_environment(shared: EmbeddedPostgres) -> None:
    assert query(shared.url("postgres"), "SELECT 1") == 1
    assert os.getsid(pid_of(shared)) != os.getsid(0)


def test_personal_data_of_a_failed_statement_stays_out_of_its_log(shared: EmbeddedPostgres) -> None:
    url = shared.start()
    query(url, "CREATE TABLE person (phone text PRIMARY KEY)", "INSERT INTO person VALUES ('+49301234')")
    with pytest.raises(sqlalchemy.exc.IntegrityError, match="49301234"):
        query(url, "INSERT INTO person VALUES ('+49301234')")
    logged = (shared.folder / LOG_NAME).read_text()
    assert "person_pkey" in logged
    assert "49301234" not in logged


def test_a_big_log_is_set_aside_at_start(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    os.truncate(server.folder / LOG_NAME, LOG_LIMIT_BYTES + 1)
    server.start()
    assert (server.folder / f"{LOG_NAME}.1").stat().st_size == LOG_LIMIT_BYTES + 1
    assert (server.folder / LOG_NAME).stat().st_size < 10_000


def test_a_database_is_created_once_whatever_its_name(shared: EmbeddedPostgres) -> None:
    admin, name = shared.start(), 'depot "Nord" 100%:a/b?'
    racing = [threading.Thread(target=ensure_database, args=(admin, name)) for _ in range(3)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    ensure_database(admin, name)
    assert query(shared.url(name), "SELECT current_database()") == name


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        pytest.param("PG_VERSION", "16\n", "made by PostgreSQL 16", id="data of another major version"),
        pytest.param("holiday.jpg", "", "holds no PostgreSQL data", id="something else"),
    ],
)
def test_a_folder_that_holds_what_it_can_not_use_is_left_alone(
    name: str, content: str, error: str, server: EmbeddedPostgres
) -> None:
    server.folder.mkdir()
    (server.folder / name).write_text(content)
    account = host.current_account()
    os.chown(server.folder, account.uid, account.gid)
    with pytest.raises(Misconfigured, match=error) as raised:
        server.start()
    assert "DATABASE_URL" in raised.value.fix
    assert [(path.name, path.read_text()) for path in server.folder.iterdir()] == [(name, content)]


def test_a_user_without_rights_keeps_the_database_to_himself(place: Path) -> None:
    server = EmbeddedPostgres(place / "home" / "data" / "postgres")

    def use() -> object:
        try:
            return query(server.start(), "SELECT 6 * 7"), oct(server.folder.parent.stat().st_mode & 0o777)
        finally:
            server.release()

    (place / "home").mkdir()
    if os.geteuid() != 0:
        assert str(use()) == "(42, '0o700')"
        return
    if not host.Account("nobody", NOBODY, NOBODY).can_run(host.wheel_binaries()):
        pytest.skip("nobody but root can enter the place of installation")
    os.chown(place / "home", NOBODY, NOBODY)
    assert as_nobody(use) == "(42, '0o700')"
    with pytest.raises(Misconfigured, match="does not belong to doorstep-pg"):
        EmbeddedPostgres(server.folder).start()


@as_root_only
def test_as_root_it_runs_as_its_own_user_and_opens_no_folder(server: EmbeddedPostgres) -> None:
    ways = (server.folder, host.wheel_binaries() / "postgres", host.SYSTEM_FOLDER)
    before = modes_on_the_way(*ways)
    server.start()
    assert psutil.Process(pid_of(server)).username() == host.SERVER_USER
    assert modes_on_the_way(*ways) == before


@as_root_only
def test_as_root_a_folder_closed_to_the_server_is_refused_not_opened(place: Path) -> None:
    (place / "closed").mkdir(mode=0o700)
    server = EmbeddedPostgres(place / "closed" / "data" / "postgres")
    with pytest.raises(Misconfigured, match=r"can't enter .*/closed\.") as raised:
        server.start()
    assert all(setting in raised.value.fix for setting in ("DATABASE_URL", "DOORSTEP_DATA"))
    assert (place / "closed").stat().st_mode & 0o777 == 0o700
    assert not server.folder.exists()


def test_the_default_folder_is_beside_the_data_except_for_root(place: Path) -> None:
    folder = default_folder(place / "data")
    if os.geteuid() != 0:
        assert folder == place.resolve() / "data" / "postgres"
        return
    assert folder.is_relative_to("/var/lib/doorstep")
    assert folder != default_folder(place / "other")
    assert folder == default_folder(place / "other" / ".." / "data")
