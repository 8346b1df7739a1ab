"""Signing in: links that work once, tokens that end, and the cookie that a browser keeps for us."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from sqlalchemy import text

from api.auth import COOKIE
from core import clock, principals
from core.settings import override, settings
from core.store import db as store
from tests.api.visitors import Visitors, refused
from tests.living import an_order, customer_of, who


def link(role: str = "dispatcher", ends_in: timedelta | None = None) -> str:
    with store.transaction() as db:
        ends = clock.system_now() + ends_in if ends_in is not None else None
        return principals.issue(db, who(db, role), kind="link", expires_at=ends)


def test_a_link_signs_in_once(visitors: Visitors) -> None:
    code, browser, second = link(), visitors.nobody(), visitors.nobody()

    answer = browser.get(f"/signin/{code}")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/api/cases").status_code == 200
    refused(second.get(f"/signin/{code}"), 401, detail="used already")
    assert second.get("/api/cases").status_code == 401
    assert browser.get("/api/cases").status_code == 200, "the session stays good"


def test_of_two_who_open_a_link_at_once_one_gets_in(visitors: Visitors) -> None:
    code = link()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: visitors.nobody().get(f"/signin/{code}").status_code, range(4)))

    assert sorted(answers) == [303, 401, 401, 401]


def test_a_link_that_has_expired_signs_nobody_in(visitors: Visitors) -> None:
    refused(visitors.nobody().get(f"/signin/{link(ends_in=timedelta(seconds=-1))}"), 401, detail="expired")
    assert visitors.nobody().get(f"/signin/{link(ends_in=timedelta(minutes=1))}").status_code == 303


@pytest.mark.parametrize("code", ["nobody-made-this", "%00", "%2F", "x" * 5000], ids=["guess", "NUL", "slash", "long"])
def test_a_code_that_nobody_made_signs_nobody_in(visitors: Visitors, code: str) -> None:
    answer = visitors.nobody().get(f"/signin/{code}")

    assert answer.status_code in (401, 404)
    assert "set-cookie" not in answer.headers


def test_a_link_is_no_token_and_a_token_no_link(visitors: Visitors) -> None:
    code = link()
    refused(visitors.nobody().get("/api/clock", headers={"Authorization": f"Bearer {code}"}), 401)
    token = visitors.a("dispatcher").headers["Authorization"].removeprefix("Bearer ")
    refused(visitors.nobody().get(f"/signin/{token}"), 401)


def cookie_of(visitors: Visitors) -> str:
    return str(visitors.nobody().get(f"/signin/{link()}").headers["set-cookie"])


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(visitors: Visitors) -> None:
    morsel = SimpleCookie(cookie_of(visitors))[COOKIE]

    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "strict", "/")
    assert int(morsel["max-age"]) == 12 * 3600


@pytest.fixture
def behind_tls(visitors: Visitors) -> Iterator[None]:
    before = settings().public_url
    override(DOORSTEP_PUBLIC_URL="https://dispatch.example")
    yield
    override(DOORSTEP_PUBLIC_URL=before)


def test_the_cookie_is_plain_on_loopback(visitors: Visitors) -> None:
    assert not SimpleCookie(cookie_of(visitors))[COOKIE]["secure"]


@pytest.mark.usefixtures("behind_tls")
def test_the_cookie_goes_over_tls_only_where_there_is_tls(visitors: Visitors) -> None:
    assert SimpleCookie(cookie_of(visitors))[COOKIE]["secure"] is True


def token(ends_in: timedelta) -> str:
    with store.transaction() as db:
        return principals.issue(db, who(db, "dispatcher"), expires_at=clock.system_now() + ends_in)


def test_a_token_ends_by_the_machines_clock_whatever_the_days_clock_says(visitors: Visitors) -> None:
    def status(bearer: str) -> int:
        return visitors.nobody().get("/api/cases", headers={"Authorization": f"Bearer {bearer}"}).status_code

    assert status(token(timedelta(minutes=5))) == 200
    assert status(token(timedelta(seconds=-1))) == 401


HEADERS: list[tuple[str, int, str]] = [
    ("Bearer {}", 200, "as it is written"),
    ("bearer {}", 200, "the scheme in small letters"),
    ("Bearer  {} ", 200, "with blanks"),
    ("Basic {}", 401, "another scheme"),
    ("{}", 401, "no scheme"),
    ("Bearer", 401, "no token"),
    ("Bearer {}x", 401, "a letter more"),
]


@pytest.mark.parametrize(("header", "status", "reason"), HEADERS, ids=[row[2] for row in HEADERS])
def test_the_header_is_read_as_the_standard_says(visitors: Visitors, header: str, status: int, reason: str) -> None:
    bearer = token(timedelta(minutes=5))

    answer = visitors.nobody().get("/api/clock", headers={"Authorization": header.format(bearer)})

    assert answer.status_code == status, reason


def test_an_admin_makes_tokens_for_people_that_there_are(visitors: Visitors) -> None:
    admin = visitors.a("admin")
    with store.transaction() as db:
        person = customer_of(db, an_order(db, "TOKEN-1")).subject
    asked = [("customer", person), ("driver", "van1-driver"), ("dispatcher", "dana"), ("integrator", "shop")]

    for role, subject in asked:
        made = admin.post("/api/admin/tokens", json={"role": role, "subject": subject, "days": 1}).json()
        answer = visitors.nobody().get("/api/clock", headers={"Authorization": f"Bearer {made['token']}"})
        assert answer.status_code == 200, role


WRONG_TOKENS: list[tuple[dict[str, object], int, str, str]] = [
    ({"role": "customer", "subject": "per_nobody"}, 404, "subject", "nobody of that id"),
    ({"role": "driver", "subject": "nobody"}, 404, "subject", "no such driver"),
    ({"role": "system", "subject": "x"}, 422, "role", "we ourselves"),
    ({"role": "king", "subject": "x"}, 422, "role", "no such role"),
    ({"role": "dispatcher", "subject": ""}, 422, "subject", "nobody at all"),
    ({"role": "dispatcher", "subject": "x", "days": 0}, 422, "days", "a token that has ended"),
    ({"role": "dispatcher", "subject": "x", "days": 10**9}, 422, "days", "a token that never ends"),
    ({"role": "dispatcher", "subject": "x\0"}, 422, "", "a name that can't be kept"),
]


@pytest.mark.parametrize(("ask", "status", "field", "reason"), WRONG_TOKENS, ids=[row[3] for row in WRONG_TOKENS])
def test_no_token_is_made_for_who_is_not(
    visitors: Visitors, ask: dict[str, object], status: int, field: str, reason: str
) -> None:
    assert refused(visitors.a("admin").post("/api/admin/tokens", json=ask), status)["field"] == field, reason


def test_only_a_hash_of_a_token_is_kept(visitors: Visitors) -> None:
    bearer = token(timedelta(minutes=5))
    with store.transaction() as db:
        rows = db.execute(text("SELECT t::text FROM token t")).scalars().all()

    assert rows
    assert all(bearer not in row for row in rows)
