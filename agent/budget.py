"""How often a hosted model may be asked: so many calls a conversation and a day. Over it the fallback decides.

A day is that of the situation (`today`), so that a simulated day has its own. Counted in this process: each process of
an installation has this budget for itself.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock


class Budget:
    """Calls that may still be made; shared by all conversations of a process."""

    def __init__(self, a_conversation: int, a_day: int) -> None:
        self.a_conversation, self.a_day = a_conversation, a_day
        self._day = ""
        self._spent = 0
        self._talks: Counter[str] = Counter()
        self._lock = Lock()

    def spend(self, talk: str, day: str) -> str:
        """Count one call of a conversation. Empty when it may be made, else which budget is used up."""
        with self._lock:
            if day != self._day:  # a new day begins anew for everybody
                self._day, self._spent = day, 0
                self._talks.clear()
            if self._spent >= self.a_day:
                return "the budget of the day is used up"
            if talk and self._talks[talk] >= self.a_conversation:
                return "the budget of the conversation is used up"
            self._spent += 1
            self._talks[talk] += 1
        return ""
