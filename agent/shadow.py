"""Two planners side by side: one acts, the other only says what it would have done. Where they differ is logged.

A disagreement is kept as the kinds of step and the names in them (tool, action, template, reason, option), never as
words: what people said stays in their messages.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

import structlog
from pydantic import BaseModel, ConfigDict

from agent.planner import Planner, Situation, Step

logger = structlog.get_logger("shadow")
NAMED = ("tool", "action", "template", "slot", "reason_code", "option_id")
"""fields of a step by which two of them are compared: what is done, not how it is phrased"""


class Disagreement(BaseModel):
    """What each of the two wanted in one situation."""

    model_config = ConfigDict(frozen=True)

    kind: str
    """conversation or case"""
    acted: str
    shadow: str


def gist(step: Step) -> str:
    """A step without its words: `look tracker.order_status`, `escalate safety`."""
    named = next((str(getattr(step, name)) for name in NAMED if hasattr(step, name)), "")
    return f"{step.step} {named}".strip()


class Shadowed:
    """`acts` decides; `watches` is asked the same and changes nothing, whatever it says or raises."""

    def __init__(self, acts: Planner, watches: Planner) -> None:
        self.acts, self.watches = acts, watches
        self.name, self.version = acts.name, f"{acts.version}+shadow:{watches.name}"
        self.disagreements: list[Disagreement] = []
        self.asked = 0
        self._lock = Lock()

    def next_step(self, situation: Situation) -> Step:
        step = self.acts.next_step(situation)
        try:
            other = gist(self.watches.next_step(situation))
        except Exception as error:  # whatever it is, it must not touch the one that acts
            other = f"failed {type(error).__name__}"
        self._compare(situation.kind, gist(step), other)
        return step

    def _compare(self, kind: str, acted: str, shadow: str) -> None:
        with self._lock:
            self.asked += 1
            if acted == shadow:
                return
            self.disagreements = [*self.disagreements[-999:], Disagreement(kind=kind, acted=acted, shadow=shadow)]
        logger.info("planners.differ", kind=kind, acted=acted, shadow=shadow)

    def counts(self) -> list[tuple[Disagreement, int]]:
        """Each way in which they differed, the most frequent first."""
        found = Counter(self.disagreements)
        return sorted(found.items(), key=lambda each: (-each[1], each[0].acted, each[0].shadow))
