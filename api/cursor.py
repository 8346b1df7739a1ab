"""Pages of a long list: each answer names where the next one begins.

A cursor is the sort key of the last row shown, so that rows which come or go in between are neither shown twice nor
left out. To its reader it is opaque text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from core.errors import BadInput

T = TypeVar("T")
After = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]


def write(*key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read(cursor: str, *kinds: Callable[[Any], Any]) -> tuple[Any, ...]:
    """The sort key in a cursor, each part made by its kind. Raises BadInput."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(found, list) or len(found) != len(kinds):
            raise ValueError("another list's cursor")
        return tuple(kind(part) for kind, part in zip(kinds, found, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise BadInput("This is no cursor of this list.", "Send `next` of the page before.", field="after") from None


def page(rows: Sequence[T], limit: int, key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """Of `limit + 1` rows read, those to show, and the cursor of the next page; None when there is none."""
    shown = rows[:limit]
    return shown, key(shown[-1]) if len(rows) > limit else None
