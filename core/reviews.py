"""Reviews: a person says of a decision whether it was right, and if not, what was wrong with it.

A review is an entry of the log like the decision that it is about, so that it is signed and can't be changed either; a
second one of the same decision counts instead of the first. What was wrong is one of a few codes and never words, since
words may hold a name. A random sample of automatic decisions is offered for review: without it nobody would look at
what went by itself, and how much is missed could not be estimated.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, select

from core import decisions, log
from core.errors import BadInput, NotAllowed
from core.principals import Principal
from core.store.tables import case, decision

Verdict: TypeAlias = Literal["right", "wrong"]
WHY: Mapping[str, str] = {
    "should_have_asked": "a person should have decided it",
    "needless": "no person was needed for it",
    "other_option": "another option was better",
    "wrong_facts": "what it rested on was not so",
    "too_late": "it came too late to help",
}
"""what may be wrong with a decision"""


def review(db: Connection, who: Principal, decision_id: str, said: str, why: str, now: datetime) -> int:
    """Enter a review; returns its number in the log. Raises NotAllowed to all but staff, NotFound, and BadInput when
    what is wrong is missing or no code."""
    if not who.is_staff:
        raise NotAllowed(f"A {who.role} can't review decisions.", "Ask an ops lead.")
    if said not in ("right", "wrong"):
        raise BadInput(f"{said!r} is no verdict.", "Say right or wrong.", field="verdict")
    if said == "wrong" and why not in WHY:
        raise BadInput(f"{why!r} says not what is wrong.", f"Use one of {', '.join(WHY)}.", field="why")
    row = decisions.get(db, decision_id)
    day = db.execute(select(case.c.day).where(case.c.id == row.case_id)).scalar_one_or_none() or row.at.date()
    body = {"decision": decision_id, "verdict": said, "why": why if said == "wrong" else "", "by": who.id}
    return log.append(db, "review", body, now, day).seq


def of_all(db: Connection) -> dict[str, tuple[str, str]]:
    """Decision id -> (verdict, why), as it was reviewed last."""
    rows = (entry.body for entry in log.entries(db, log.Filter(kind="review")))
    return {body["decision"]: (body["verdict"], body["why"]) for body in rows}


def sample(db: Connection, count: int, seed: int, day: date | None = None) -> list[str]:
    """Automatic decisions of a day (or of all) to look at, drawn evenly, those that were reviewed left out."""
    query = select(decision.c.id).where(decision.c.verdict == "auto").order_by(decision.c.seq)
    if day is not None:
        query = query.join(case, case.c.id == decision.c.case_id).where(case.c.day == day)
    known = of_all(db)
    left = [each for each in db.execute(query).scalars() if each not in known]
    return sorted(random.Random(seed).sample(left, min(count, len(left))), key=left.index)


@dataclass(frozen=True)
class Figures:
    """What the reviews say of escalation. Recall is an estimate: of the automatic decisions a sample was looked at."""

    automatic: int
    asked: int
    reviewed_automatic: int
    should_have_asked: int
    reviewed_asked: int
    needless: int
    wrong: int
    """of all reviews, for whatever reason"""

    @property
    def precision(self) -> float | None:
        """Of what a person was asked about and reviewed, the part for which one was needed."""
        return 1 - self.needless / self.reviewed_asked if self.reviewed_asked else None

    @property
    def recall(self) -> float | None:
        """Of what needed a person, the part that got one: those asked rightly, beside those missed, scaled up from the
        sample to all automatic decisions."""
        if self.precision is None or not self.reviewed_automatic:
            return None
        right = self.precision * self.asked
        missed = self.automatic * self.should_have_asked / self.reviewed_automatic
        return right / (right + missed) if right + missed else None


def figures(db: Connection) -> Figures:
    """Sums of the newest review of each decision, beside how many decisions there are."""
    verdicts = {row.id: row.verdict for row in db.execute(select(decision.c.id, decision.c.verdict))}
    reviewed = of_all(db)
    auto = [why for made, (_, why) in reviewed.items() if verdicts.get(made) == "auto"]
    asked = [why for made, (_, why) in reviewed.items() if verdicts.get(made) in ASKED]
    return Figures(
        automatic=_count(verdicts.values(), ("auto",)), asked=_count(verdicts.values(), ASKED),
        reviewed_automatic=len(auto), should_have_asked=auto.count("should_have_asked"),
        reviewed_asked=len(asked), needless=asked.count("needless"),
        wrong=sum(said == "wrong" for said, _ in reviewed.values()),
    )  # fmt: skip


ASKED: Sequence[str] = ("approved", "rejected", "escalated")
"""verdicts of decisions about which a person was asked"""


def _count(verdicts: Iterable[str], of: Sequence[str]) -> int:
    return sum(each in of for each in verdicts)
