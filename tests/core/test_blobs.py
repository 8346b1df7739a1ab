from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import Connection, func, select, update

from core import blobs, canonical
from core.errors import BadInput, LogBroken, NotFound
from core.store.tables import blob

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Situation(BaseModel):
    stop: str
    minutes_late: int


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(value=VALUES)
def test_what_is_put_comes_back_with_the_same_digest(db: Connection, value: Any) -> None:
    key = blobs.put(db, value)
    assert key == canonical.digest(value)
    assert canonical.dumps(blobs.get(db, key)) == canonical.dumps(value)


def test_the_same_value_is_stored_once(db: Connection) -> None:
    first = blobs.put(db, {"b": 1, "a": 2})
    second = blobs.put(db, {"a": 2, "b": 1})
    stored = db.execute(select(func.count()).where(blob.c.hash == first)).scalar_one()
    assert (first, stored) == (second, 1)


def test_a_model_is_stored_as_its_json(db: Connection) -> None:
    key = blobs.put(db, Situation(stop="stp_1", minutes_late=12))
    assert blobs.get(db, key) == {"stop": "stp_1", "minutes_late": 12}


def test_bytes_are_stored_as_they_are(db: Connection) -> None:
    body = bytes(range(256))
    key = blobs.put_bytes(db, body)
    assert key == hashlib.sha256(body).hexdigest()
    assert blobs.get_bytes(db, key) == body


def test_bytes_that_are_no_json_are_refused_as_a_value(db: Connection) -> None:
    key = blobs.put_bytes(db, b"\x93NUMPY")
    with pytest.raises(BadInput, match="not JSON"):
        blobs.get(db, key)


def test_an_unknown_hash_says_what_to_do(db: Connection) -> None:
    with pytest.raises(NotFound) as error:
        blobs.get(db, "0" * 64)
    assert "0" * 64 in error.value.what
    assert error.value.fix


def test_a_changed_byte_is_found_when_it_is_read(db: Connection) -> None:
    key = blobs.put(db, {"limit_cents": 1500})
    db.execute(update(blob).where(blob.c.hash == key).values(body=b'{"limit_cents":9500}'))
    with pytest.raises(LogBroken, match="changed after it was stored"):
        blobs.get(db, key)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({10: "a", 9: "b"}, "sorts as numbers when written and as texts when read back, so its hash would change"),
        ({"a": float("nan")}, "JSON has no NaN"),
        ({"a": {1, 2}}, "a set has no order"),
        ({"a": "\ud800"}, "half of a surrogate pair has no bytes"),
        ({1: "a", "b": 2}, "keys of two types can't be sorted"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_value_that_would_not_read_back_as_itself_is_refused(db: Connection, value: Any, why: str) -> None:
    with pytest.raises(BadInput):
        blobs.put(db, value)
