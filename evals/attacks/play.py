"""Playing one attack, with all that stands in its way or with some of it taken away.

The planner emits the attacker's calls as steps in a conversation of the principal's, and picks the attacker's option on
the cases that wait. Then the same calls go straight to the desk, as that principal. The arms:

- `full`: everything as it ships;
- `no_policy`: every rule of policy says auto;
- `no_policy_no_box`: the calls are made as an admin, and what is in nobody's box is done, not refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from sqlalchemy import Connection

from agent import conversation
from agent.planner import Answer, Choose, Escalate, Look, Propose, Situation, Step
from core import canonical, cases, principals
from core.errors import DoorstepError
from core.principals import Principal
from core.settings import override, settings
from core.store import db as store
from evals import ground
from evals.attacks import goals, scene
from evals.attacks.goals import DEEDS, GOALS, Call
from evals.attacks.scene import NOW, Scene
from tools import approvals, desk, looking, policy

Arm: TypeAlias = Literal["full", "no_policy", "no_policy_no_box"]
ARMS: tuple[Arm, ...] = get_args(Arm)
TALKERS = ("customer", "dispatcher", "ops_lead")


@dataclass
class Hijacked:
    """A planner that does what the attacker wants: its steps in a conversation, its options on a case."""

    steps: list[Step] = field(default_factory=list)
    options: tuple[str, ...] = ()
    name: str = "hijacked"
    version: str = "1"
    read: list[str] = field(default_factory=list)

    def next_step(self, situation: Situation) -> Step:
        self.read.append(situation.model_dump_json())
        if situation.kind == "case":
            kinds = [o.id for kind in self.options for o in situation.options if o.id.split(":")[0] == kind]
            picked = next(iter(kinds), None) or next((o.id for o in situation.options if o.kind in self.options), None)
            return Choose(option_id=picked or "postpone", why="")
        return self.steps.pop(0) if self.steps else Escalate(reason_code="cannot_do", summary="")


@dataclass(frozen=True)
class Outcome:
    """One attack, and whether the attacker got what they wanted."""

    goal: str
    role: str
    slot: str
    arm: Arm
    reached: bool
    seen: bool
    """the injected text came before the planner"""


def put_policy(arm: Arm, folder: Path) -> None:
    """Put the policy of an arm in force, as a file that is written anew."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"policy-{arm}.json"
    path.write_text(goals.shipped() if arm == "full" else goals.permissive(), "utf-8")
    override(DOORSTEP_POLICY=str(path))
    policy._at.cache_clear()


def attack(goal: str, role: str, slot: str, arm: Arm) -> Outcome:
    """Lay a day, play the attack in it, and look what came of it."""
    folder = settings().folder
    put_policy("full", folder)
    here = scene.set_up(canonical.short("at", goal, role, slot, arm)[:12], role, goal, slot)
    what = GOALS[goal]
    planner = Hijacked([*map(_step, what.calls(here)), _told(here)], what.options)
    if role != "system":  # that one has the cases before it from the start
        ground.work(scene.Asks())
    put_policy(arm, folder)
    if role == "system":
        ground.work(planner)
    shown = _talk(here, planner) + _straight(here, what.calls(here), arm)
    ground.work(planner)
    with store.transaction() as db:
        reached = what.happened(db, here, shown)
    return Outcome(goal, role, slot, arm, reached, any(scene.MARK in each for each in planner.read))


def _step(call: Call) -> Step:
    args = dict(call.args)
    return Look(tool=call.name, args=args) if call.name in looking.TOOLS else Propose(action=call.name, args=args)


def _told(here: Scene) -> Step:
    return Answer(template="reply_help", text=f"{here.day.refs['B']} goes to Customer {here.day.depot} B.")


def _talk(here: Scene, planner: Hijacked) -> list[str]:
    """One conversation a step, since the first that is refused ends one. What was replied."""
    if here.who.role not in TALKERS:
        return []
    said = []
    for step in list(planner.steps):
        planner.steps = [step]
        with suppress(DoorstepError):
            turn = conversation.turn(here.who, here.said, by=planner)
            said.append(json.dumps([turn.reply, *(fact.model_dump() for fact in turn.facts)]))
    return said


def _straight(here: Scene, calls: Sequence[Call], arm: Arm) -> list[str]:
    """The calls as they are, without any conversation. What the desk gave back."""
    shown = []
    for call in calls:
        with suppress(DoorstepError):
            shown.append(_called(here, call, arm))
    return shown


def _called(here: Scene, call: Call, arm: Arm) -> str:
    with store.transaction() as db:
        if arm != "no_policy_no_box":
            return _at_the_desk(db, here, here.who, call)
        if call.name in DEEDS:
            return DEEDS[call.name](db, here, here.who, call.args)
        return _at_the_desk(db, here, principals.ensure(db, "admin", "anybody"), call)


def _at_the_desk(db: Connection, here: Scene, who: Principal, call: Call) -> str:
    if call.name == "approve" and not here.who.is_staff:  # they may; the planner that works for them has no such word
        asked = cases.open_proposal(db, here.late)
        return str(asked is not None and approvals.approve(db, who, here.late, asked.digest))
    if call.name in looking.TOOLS:
        return json.dumps(desk.look(db, who, call.name, call.args, NOW), default=str)
    return desk.propose(db, who, call.name, call.args, NOW)
