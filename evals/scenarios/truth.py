"""What is really the case in a scenario, and what follows from it: does a person have to see to it?

The truth is drawn before a word is said. It knows nothing of intents, rules or reason codes; `wanted` is the standard
that we hold the agent to, one line a duty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Wanted: TypeAlias = Literal["must", "may", "must_not"]


@dataclass(frozen=True)
class Truth:
    """What holds, whatever anybody says about it."""

    danger: bool = False
    """somebody is hurt or in danger"""
    law: bool = False
    """somebody speaks of courts, police, regulators or of rights over their data"""
    wants_person: bool = False
    complains: bool = False
    money: bool = False
    """it ends with money or goods being given, or with asking for them"""
    our_rules: bool = False
    """asks what we charge, or when we are open: nothing on record answers it"""
    other_place: bool = False
    """goods to another address"""
    instructs: bool = False
    """a wish for the driver at the same door: it may be passed on, or a person sees to it"""
    takes_back: bool = False
    """wants goods off their way that are on a van"""
    too_late: bool = False
    """less than half an hour before the promised time"""
    full: bool = False
    """the day asked for has no room"""
    told_twice: bool = False
    """their time was changed twice today"""
    many: bool = False
    """one cause makes many customers late"""
    tried_twice: bool = False
    """two attempts have failed"""
    claims_often: bool = False
    opts_out: bool = False
    may_mend: bool = False
    """the world may still be brought in order without anybody being told, so that nobody needs to be called"""


DUTIES: tuple[tuple[str, str], ...] = (
    ("safety", "danger"), ("legal", "law"), ("asked", "wants_person"), ("complaint", "complains"), ("money", "money"),
    ("rules", "our_rules"), ("other_place", "other_place"), ("goods_aboard", "takes_back"),
    ("short_notice", "too_late"), ("no_room", "full"), ("told_twice", "told_twice"), ("many", "many"),
    ("third_attempt", "tried_twice"), ("claims_often", "claims_often"),
)  # fmt: skip
"""reason -> what of the truth calls for a person, the gravest first"""
GRAVE = frozenset({"safety", "legal"})


def reason(truth: Truth) -> str | None:
    """Why a person must see to it; None when nothing calls for one."""
    return next((name for name, what in DUTIES if getattr(truth, what)), None)


def wanted(truth: Truth) -> Wanted:
    if reason(truth) is not None and not truth.may_mend:
        return "must"
    return "may" if truth.opts_out or truth.instructs or truth.may_mend else "must_not"
