"""A day as somebody sends it. Far from now it is a slip, and the calendar's own ends can't be counted on from."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

from pydantic import AwareDatetime, Field

FIRST, AFTER = date(2000, 1, 1), date(2100, 1, 1)
Day = Annotated[date, Field(ge=FIRST, lt=AFTER)]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime.combine(FIRST, time(), UTC), lt=datetime.combine(AFTER, time(), UTC)),
]
