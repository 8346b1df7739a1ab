"""What a load balancer, a scraper and a person read: up, ready, how many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from core.settings import override, settings
from core.store import db as store
from tests.api.visitors import PROBLEM, Visitors
from tests.living import an_order
from tools import wire
from tools.optimizer import resident


@contextmanager
def an_engine() -> Iterator[None]:
    """Something that answers where the engine would."""
    server = wire.Server(wire.socket_path("engine.sock"), lambda op, args: {})
    server.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def a_worker(seconds_since_heartbeat: int = 0) -> Iterator[None]:
    beat = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => :s)) RETURNING id"
    with store.transaction() as db:
        made = db.execute(text(beat), {"s": seconds_since_heartbeat}).scalar_one()
    try:
        yield
    finally:
        with store.transaction() as db:
            db.execute(text("DELETE FROM procrastinate_workers WHERE id = :id"), {"id": made})


def ready(visitors: Visitors) -> tuple[int, dict[str, str]]:
    answer = visitors.nobody().get("/readyz")
    found = answer.json()
    assert found.pop("ready") == (answer.status_code == 200)
    return answer.status_code, found


def test_the_process_is_up_whatever_else_is_down(visitors: Visitors) -> None:
    assert visitors.nobody().get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_when_database_engine_and_a_worker_answer(visitors: Visitors) -> None:
    with an_engine(), a_worker():
        assert ready(visitors) == (200, {"database": "ok", "engine": "ok", "worker": "ok"})


def test_it_is_not_ready_without_the_engine_and_does_not_wait_for_it(visitors: Visitors) -> None:
    client = resident().client
    client.patience_s = 1000.0
    with a_worker():
        assert ready(visitors) == (503, {"database": "ok", "engine": "down: EngineDown", "worker": "ok"})
    assert client.patience_s == 1000.0
    client.patience_s = 0.0


def test_it_is_not_ready_without_a_worker(visitors: Visitors) -> None:
    with an_engine():
        assert ready(visitors) == (503, {"database": "ok", "engine": "ok", "worker": "down: no heartbeat"})


def test_a_worker_whose_heart_stopped_is_none(visitors: Visitors) -> None:
    with an_engine(), a_worker(seconds_since_heartbeat=60):
        assert ready(visitors)[1]["worker"] == "down: no heartbeat"


def test_the_engine_is_found_again_after_a_restart(visitors: Visitors) -> None:
    with a_worker():
        with an_engine():
            assert ready(visitors)[0] == 200
        with an_engine():
            codes = [ready(visitors)[0] for _ in range(2)]
    assert codes[-1] == 200


@contextmanager
def no_database() -> Iterator[None]:
    """An address at which no database answers."""
    before = settings().database_url
    override(DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing")
    store.engine.cache_clear()
    try:
        yield
    finally:
        store.engine().dispose()
        override(DATABASE_URL=before)
        store.engine.cache_clear()


def test_without_a_database_it_is_up_not_ready_and_says_so_to_everyone(visitors: Visitors) -> None:
    token = visitors.a("dispatcher").headers["Authorization"]
    store.engine().dispose()
    with no_database():
        nobody = visitors.nobody()
        assert nobody.get("/healthz").status_code == 200
        assert ready(visitors)[1]["database"] == "down: Unavailable"
        answer = nobody.get("/api/cases", headers={"Authorization": token})

    assert (answer.status_code, answer.headers["content-type"], answer.headers["retry-after"]) == (503, PROBLEM, "1")
    assert answer.json()["fix"] == "Try again in a few seconds."


def test_metrics_count_requests_and_rows_and_name_nobody(visitors: Visitors) -> None:
    with store.transaction() as db:
        an_order(db, "METRIC-1", name="Ada Lovelace")
    visitors.nobody().get("/healthz")

    said = visitors.nobody().get("/metrics").text

    families = {family.name: family for family in text_string_to_metric_families(said)}
    asked = [s for s in families["doorstep_requests"].samples if s.labels.get("route") == "/healthz"]
    assert asked
    assert asked[0].value >= 1
    assert families["doorstep_orders"].samples[0].value >= 1
    assert "Lovelace" not in said
    assert "METRIC-1" not in said


def test_a_path_with_an_id_is_counted_under_its_route(visitors: Visitors) -> None:
    visitors.a("dispatcher").get("/api/cases/case_secret")

    said = visitors.nobody().get("/metrics").text

    assert 'route="/api/cases/{case_id}"' in said
    assert "case_secret" not in said


def test_no_answer_lets_itself_be_framed_sniffed_or_scripted_by_others(visitors: Visitors) -> None:
    for path in ("/", "/healthz", "/api/cases", "/nowhere"):
        headers = visitors.nobody().get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
