"""How much Doorstep may do by itself, as staff have set it in a conversation on top of the policy file.

Each setting is a fact (an event) and a decision in the log. The policy in force is the file with the newest setting of
each subject laid over it, so that a decision records what held when it was made and replays with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core import canonical, decisions, events
from core.errors import BadInput, NotAllowed
from core.events import Event
from core.principals import STAFF, Principal
from tools import policy
from tools.policy import Policy

SUBJECT = "autonomy"
EVERYTHING = "everything"
PAUSED, RUNNING = 1, 2
"""the two settings of everything: it asks before it does anything; as the file says"""
MAY_RAISE = frozenset({"ops_lead", "admin"})
"""who may let an action kind go further than the policy file does"""
WORDS = {0: "report only", 1: "recommend and ask", 2: "act within limits", 3: "act and tell"}


@dataclass(frozen=True)
class Change:
    """One setting as it is and as it would be."""

    subject: str
    before: int
    after: int

    @property
    def raises(self) -> bool:
        return self.after > self.before

    def words(self) -> str:
        """What changes, as it is shown."""
        if self.subject == EVERYTHING:
            return "everything is asked first from now on" if self.after == PAUSED else "back to what the policy says"
        name = self.subject.replace("_", " ").replace(".", " ")
        return f"{name}: from '{WORDS[self.before]}' to '{WORDS[self.after]}'"


def in_force(db: Connection) -> Policy:
    """The policy that decides now."""
    return _laid_over(policy.in_force(), _settings(db))


def change(db: Connection, subject: str, level: int) -> Change:
    """What a setting would change. Raises BadInput for what nobody knows."""
    now, file = in_force(db), policy.in_force()
    if subject == EVERYTHING:
        return Change(subject, PAUSED if now.kill_switch != file.kill_switch else RUNNING, level)
    if subject not in file.levels:
        known = ", ".join(sorted(file.levels))
        raise BadInput(f"There is no action {subject[:40]!r}.", f"Name one of {known}.", field="subject")
    if level not in WORDS:
        raise BadInput(f"There is no level {level}.", "Levels are 0 to 3.", field="level")
    return Change(subject, now.levels[subject], level)


def standing(db: Connection, subject: str) -> str:
    """How it stands now, in words; of everything, what is not at its usual level."""
    now = in_force(db)
    if subject != EVERYTHING:
        return f"{subject.replace('_', ' ')}: {WORDS[now.levels.get(subject, 0)]}"
    if now.kill_switch != "off":
        return "everything is asked first"
    other = sorted(kind for kind, level in now.levels.items() if level != RUNNING)
    said = ", ".join(f"{kind.replace('_', ' ')}: {WORDS[now.levels[kind]]}" for kind in other)
    return f"acting within the limits of the policy{'; ' + said if said else ''}"[:200]


def put(db: Connection, who: Principal, subject: str, level: int, now: datetime) -> str:
    """Set it from now on. Staff pause and lower, and undo that; only an ops lead goes beyond the file. Returns the
    decision's id."""
    if who.role not in STAFF:
        raise NotAllowed(f"A {who.role} does not set what Doorstep may do.", "Ask a dispatcher.")
    wanted = change(db, subject, level)
    most = RUNNING if subject == EVERYTHING else policy.in_force().levels[subject]
    if level > most and who.role not in MAY_RAISE:
        raise NotAllowed(f"A {who.role} can't go beyond the policy ({WORDS[most]}).", "Ask an ops lead.")
    count = len(events.of(db, SUBJECT))
    made = decisions.write(
        db, case_id=SUBJECT, round_=count, action=SUBJECT, verdict="approved", rule="person.said", approver=who.id,
        outcome={"subject": subject, "before": wanted.before, "after": level}, inputs={}, applied={}, cost=0, at=now,
        day=now.date(),
    )  # fmt: skip
    fact = Event(
        key=f"{SUBJECT}:{canonical.short('set', count, subject, level)}", kind="policy.autonomy", source=who.role,
        subject=SUBJECT, at=now, data={"subject": subject, "level": level, "decision": made},
    )  # fmt: skip
    events.append(db, fact, now)
    return made


def _settings(db: Connection) -> dict[str, int]:
    """The newest setting of each subject."""
    return {row.data["subject"]: int(row.data["level"]) for row in events.of(db, SUBJECT)}


def _laid_over(file: Policy, said: dict[str, int]) -> Policy:
    if not said:
        return file
    levels = {kind: said.get(kind, level) for kind, level in file.levels.items()}
    paused = said.get(EVERYTHING) == PAUSED and file.kill_switch == "off"
    switch = "ask" if paused else file.kill_switch
    return Policy.model_validate(file.model_dump(by_alias=True) | {"levels": levels, "kill_switch": switch})
