"""Every action by its name: what the desk may carry out. Each lives with what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools import actions, carrying, claims, missed
from tools.job import Job
from tools.notify import outages


def reroute(job: Job) -> dict[str, Any]:
    """Messages that a provider does not take go another way for a while."""
    outages.reroute(job.db, job.case.subject, job.now)
    return {"rerouted": job.case.subject}


ACTIONS: dict[str, Callable[[Job], dict[str, Any]]] = actions.ACTIONS | {
    "hold_messages": actions.wait,
    "reroute": reroute,
    **claims.ACTIONS,
    **missed.ACTIONS,
    "carrier": carrying.hand_over,
    "collect": carrying.collect,
}
