"""Policy: may this action run by itself (`auto`), only when a person says so (`ask`), or not at all (`deny`)?

A policy is a file (tools/policies/*.yaml): autonomy levels, limits, a kill switch and rules, the first that matches
wins. The verdict is a pure function of policy, action and facts, so that any past decision can be judged again.
A fact that is not known never helps: a rule that needs it does not match, and a rule that would have stopped the
action but for the missing fact still does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from core import canonical
from core.errors import BadFile, BadInput
from core.settings import settings

Value: TypeAlias = int | str | bool
Answer: TypeAlias = Literal["auto", "ask", "deny"]

STRICTNESS: dict[str, int] = {"auto": 0, "ask": 1, "deny": 2}
REACHES_A_PERSON = frozenset({"escalate"})
"""what the kill switch lets through: it stops Doorstep from acting, not from calling for help"""

FACTS: dict[str, str] = {
    "approved_before": "a person has approved telling the customers whom the same cause hit before",
    "attempts": "how often the order was tried: today's failed attempts and earlier days",
    "client": "the account that the order belongs to",
    "days_ahead": "days from today to the day asked for",
    "earlier_claims": "claims that the same customer made in the last three months",
    "extra_cost_cents": "what the action costs in cents: driving, lateness, customers' trouble; telling alone is free",
    "loaded": "the goods are on a van",
    "message_class": "promise: keeps or corrects one; news: how it goes; survey; reply: answers what the person wrote",
    "messages_today": "messages that this person got today without having written; of a reply, the replies",
    "minutes_since_move": "minutes since the stop was moved last; a whole day when it never was",
    "minutes_late_others": "minutes that other stops get later",
    "notice_min": "minutes until the time that was promised begins; without a promise, until the day ends",
    "opted_out": "the person wants no messages",
    "promises_broken": "promises that the action leaves broken",
    "promises_retold": "customers who are told another time by it",
    "quiet_hours": "it is night where the person is",
    "requester": "who asked: customer, driver, dispatcher, ops_lead, admin, integrator, system",
    "retold_today": "times that this promise was re-told today",
    "reversible": "the world still allows to take it back",
    "slot_open": "the depot serves that day and has room",
    "spent_today_cents": "what Doorstep's own decisions have cost today",
    "stop_moves_today": "times that the stop was moved today; of several stops, the one moved most",
    "stops_left_out": "stops of a broken van that leave the day",
    "stops_moved": "stops that drivers find in another place",
    "template": "which text is sent; empty when it is free text",
    "unassigned": "stops that the plan leaves out",
    "verified": "the customer proved to be who they are",
    "violations": "hard constraints that the plan breaks",
}
"""every fact that a rule may name; another name is a spelling mistake, and in a deny rule a dangerous one"""
WORDS: dict[str, tuple[str, ...]] = {
    "requester": ("customer", "driver", "dispatcher", "ops_lead", "admin", "integrator", "system"),
    "message_class": ("promise", "news", "survey", "reply"),
}
"""facts whose words are these and no others"""

LIMITS: dict[str, tuple[str, ...]] = {
    "extra_cost_cents": ("extra_cost_cents",),
    "minutes_late_others": ("minutes_late_others",),
    "stops_moved": ("stops_moved",),
    "promises_broken": ("promises_broken",),
    "spend_per_day_cents": ("spent_today_cents", "extra_cost_cents"),
}
"""limit -> the facts whose sum must stay within it"""
HARD_LIMITS = frozenset({"spend_per_day_cents"})
"""kept even by an action kind of level 3, which may go over the others and tells"""


Level: TypeAlias = Annotated[StrictInt, Field(ge=0, le=3)]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(Frozen):
    """What somebody wants to do. Only `kind` is judged; subject and arguments go with it into the log."""

    kind: str
    subject: str = ""
    args: dict[str, str] = {}


class Verdict(Frozen):
    verdict: Answer
    rule: str
    reason: str
    tell: bool = False
    """done by itself, and the dispatcher is told"""


class Condition(Frozen):
    """All that is set must hold. `is` compares value and type: true is not 1."""

    max: StrictInt | None = None
    min: StrictInt | None = None
    is_: Annotated[StrictBool | StrictInt | StrictStr | None, Field(alias="is")] = None
    in_: Annotated[tuple[StrictStr, ...] | None, Field(alias="in")] = None

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("say max, min, is or in")
        if self.max is not None and self.min is not None and self.max < self.min:
            raise ValueError(f"nothing is at least {self.min} and at most {self.max}")
        return self

    def holds(self, value: Value) -> bool:
        number = isinstance(value, int) and not isinstance(value, bool)
        if (self.max is not None or self.min is not None) and not number:
            return False
        return (
            (self.max is None or value <= self.max)  # type: ignore[operator]
            and (self.min is None or value >= self.min)  # type: ignore[operator]
            and (self.is_ is None or (type(value) is type(self.is_) and value == self.is_))
            and (self.in_ is None or value in self.in_)
        )


class Rule(Frozen):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    action: str
    when: dict[str, Condition] = {}
    within: tuple[str, ...] = ()
    """limits that an `auto` must keep; a limit whose fact is missing is not kept"""
    verdict: Answer
    over: tuple[str, ...] = ()
    """stricter rules after this one that it is meant to stand before; `tools.policy_check` asks about others"""
    why: Annotated[str, Field(min_length=10)]

    def matches(self, facts: Mapping[str, Value]) -> bool:
        return all(name in facts and condition.holds(facts[name]) for name, condition in self.when.items())

    def unclear(self, facts: Mapping[str, Value]) -> tuple[str, ...]:
        """Facts that are missing to say whether it matches; none when a known fact rules it out."""
        if any(name in facts and not condition.holds(facts[name]) for name, condition in self.when.items()):
            return ()
        return tuple(sorted(name for name in self.when if name not in facts))


class Terms(Frozen):
    """What one client has agreed to: its own levels and limits, where they differ."""

    levels: dict[str, Level] = {}
    limits: dict[str, Annotated[StrictInt, Field(ge=0)]] = {}


def _switch(value: Any) -> Any:
    return "off" if value is False else value  # YAML reads a bare `off` as false


class Policy(Frozen):
    """A policy file, read and checked."""

    name: str
    kill_switch: Annotated[Literal["off", "ask", "deny"], BeforeValidator(_switch)] = "off"
    levels: dict[str, Level]
    """action kind -> 0 report only, 1 recommend, 2 act within limits, 3 act and tell"""
    limits: dict[str, Annotated[StrictInt, Field(ge=0)]]
    clients: dict[str, Terms] = {}
    """the fact `client` -> its own terms; of an action whose client is not known, or that is about several clients'
    orders, the strictest of all count"""
    rules: tuple[Rule, ...]

    def level(self, kind: str, facts: Mapping[str, Value]) -> int:
        """How far an action may go for the client that it is about."""
        own = [terms.levels[kind] for terms in self._terms(facts) if kind in terms.levels]
        known = own and str(facts.get("client")) in self.clients
        return own[0] if known else min([self.levels.get(kind, 0), *own])

    def limit(self, name: str, facts: Mapping[str, Value]) -> int:
        own = [terms.limits[name] for terms in self._terms(facts) if name in terms.limits]
        known = own and str(facts.get("client")) in self.clients
        return own[0] if known else min([self.limits[name], *own])

    def _terms(self, facts: Mapping[str, Value]) -> tuple[Terms, ...]:
        if "client" not in facts:
            return tuple(self.clients.values())
        own = self.clients.get(str(facts["client"]))
        return () if own is None else (own,)

    @cached_property
    def version(self) -> str:
        """Digest of what the file says; comments and order of keys do not count."""
        return canonical.digest(self.model_dump(mode="json", by_alias=True))


def decide(policy: Policy, action: Action, facts: Mapping[str, Value]) -> Verdict:
    """The verdict on an action: level and rules give one, limits and the kill switch can only make it stricter."""
    verdict = _by_level(policy.level(action.kind, facts), action, _by_rule(policy, action, facts))
    verdict = _by_limits(policy, action, verdict, facts)
    return _by_kill_switch(policy, action, verdict)


def _by_rule(policy: Policy, action: Action, facts: Mapping[str, Value]) -> Verdict:
    """The first matching rule, or a stricter one before it that only a missing fact keeps from matching."""
    found = Verdict(verdict="deny", rule="default.deny", reason=f"no rule allows {action.kind} on these facts")
    held: list[Verdict] = []
    for rule in policy.rules:
        if rule.action != action.kind:
            continue
        if rule.matches(facts):
            found = Verdict(verdict=rule.verdict, rule=rule.id, reason=rule.why)
            break
        if rule.verdict != "auto" and (missing := rule.unclear(facts)):
            reason = f"{rule.id} can't be ruled out: {', '.join(missing)} not known"
            held.append(Verdict(verdict=rule.verdict, rule=rule.id, reason=reason))
    return max([found, *held], key=lambda verdict: STRICTNESS[verdict.verdict])


def _by_level(level: int, action: Action, verdict: Verdict) -> Verdict:
    if verdict.verdict == "deny":
        return verdict
    if level == 0:
        reason = f"{action.kind} is reported, not done (level 0)"
        return Verdict(verdict="deny", rule="level.report_only", reason=reason)
    if level == 1 and verdict.verdict == "auto":
        reason = f"{action.kind} is only recommended (level 1): {verdict.reason}"
        return verdict.model_copy(update={"verdict": "ask", "reason": reason})
    return verdict.model_copy(update={"tell": level == 3 and verdict.verdict == "auto"})


def _by_limits(policy: Policy, action: Action, verdict: Verdict, facts: Mapping[str, Value]) -> Verdict:
    rule = next((rule for rule in policy.rules if rule.id == verdict.rule), None)
    if verdict.verdict != "auto" or rule is None:
        return verdict
    for limit in rule.within:
        if policy.level(action.kind, facts) == 3 and limit not in HARD_LIMITS:
            continue
        most = policy.limit(limit, facts)
        amounts = [facts.get(name) for name in LIMITS[limit]]
        if not all(isinstance(amount, int) and not isinstance(amount, bool) for amount in amounts):
            needs = " and ".join(LIMITS[limit])
            return Verdict(verdict="ask", rule=f"limit.{limit}", reason=f"{rule.id} needs {needs}, which is not known")
        total = sum(int(amount or 0) for amount in amounts)
        if total > most and amounts[-1]:  # its own part: what adds nothing does not go over
            return Verdict(verdict="ask", rule=f"limit.{limit}", reason=f"{limit} {total} is over the limit of {most}")
    return verdict


def _by_kill_switch(policy: Policy, action: Action, verdict: Verdict) -> Verdict:
    switch = policy.kill_switch
    if switch == "off" or action.kind in REACHES_A_PERSON or STRICTNESS[verdict.verdict] >= STRICTNESS[switch]:
        return verdict
    return Verdict(verdict=switch, rule=f"kill_switch.{switch}", reason="the kill switch is on")


def load(path: Path) -> Policy:
    """The policy in a file. Raises BadFile or BadInput, which name the field."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "Give the path of a UTF-8 YAML file."
        raise BadFile(f"{path} can't be read: {error}", fix, field="policy") from error
    return parse(text)


def default() -> Policy:
    """The policy that ships."""
    return load(Path(__file__).parent / "policies" / "default.yaml")


@cache
def _at(path: Path | None) -> Policy:
    return load(path) if path else default()


def in_force() -> Policy:
    """The policy that decides now."""
    return _at(settings().policy)


def parse(text: str) -> Policy:
    """A policy from YAML text."""
    try:
        data = yaml.load(text, Loader=_NoDuplicates)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadFile(f"not YAML: {error}", "Compare it with tools/policies/default.yaml.", field="policy") from error
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(first["msg"], _FIX, field=_path(first["loc"])) from error
    _check(policy)
    return policy


_FIX = "See the comments in tools/policies/default.yaml."


def _path(loc: tuple[int | str, ...]) -> str:
    """`rules[3].when.loaded.max`, the way a reader finds it in the file."""
    if "is" in loc:  # pydantic then adds which of the types it tried
        loc = loc[: loc.index("is") + 1]
    steps = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return steps.lstrip(".") or "policy"


def _check(policy: Policy) -> None:
    """What the types alone can't see: names that nothing knows, and rules that can never count."""
    for limit in LIMITS:
        if limit not in policy.limits:
            raise BadInput("this limit is missing", "Set it to 0 or more.", field=f"limits.{limit}")
    for limit in policy.limits:
        if limit not in LIMITS:
            raise BadInput("no such limit", f"Limits are {', '.join(LIMITS)}.", field=f"limits.{limit}")
    for client, terms in policy.clients.items():
        _check_terms(policy, terms, f"clients.{client}")
    seen: set[str] = set()
    for at, rule in enumerate(policy.rules):
        _check_rule(policy, rule, f"rules[{at}]", seen)
        seen.add(rule.id)


def _check_terms(policy: Policy, terms: Terms, at: str) -> None:
    for kind in terms.levels:
        if kind not in policy.levels:
            raise BadInput("no such action", f"Add levels.{kind} for all clients first.", field=f"{at}.levels.{kind}")
    for limit in terms.limits:
        if limit not in LIMITS or limit in HARD_LIMITS:
            own = ", ".join(name for name in LIMITS if name not in HARD_LIMITS)
            raise BadInput("no limit of one client's", f"Those are {own}.", field=f"{at}.limits.{limit}")


def _check_rule(policy: Policy, rule: Rule, at: str, seen: set[str]) -> None:
    if rule.id in seen or rule.id.split(".")[0] in {"default", "level", "limit", "kill_switch"}:
        raise BadInput(f"the rule id {rule.id!r} is taken", "Give each rule an id of its own.", field=f"{at}.id")
    if rule.action not in policy.levels:
        raise BadInput(f"no level is set for {rule.action!r}", f"Add levels.{rule.action}.", field=f"{at}.action")
    for name in rule.when:
        if name not in FACTS:
            raise BadInput("no such fact", f"Facts are {', '.join(sorted(FACTS))}.", field=f"{at}.when.{name}")
    later = {other.id for other in policy.rules if other.id not in {*seen, rule.id}}
    for other in rule.over:
        if other not in later:
            raise BadInput(f"no rule {other!r} after it", "Name rules that stand below.", field=f"{at}.over")
    for limit in rule.within:
        if limit not in LIMITS:
            raise BadInput(f"no such limit: {limit}", f"Limits are {', '.join(LIMITS)}.", field=f"{at}.within")
    if rule.within and rule.verdict != "auto":
        raise BadInput("only an auto rule keeps limits", "Take `within` away.", field=f"{at}.within")


class _NoDuplicates(yaml.SafeLoader):
    """YAML keeps the last of two equal keys without a word; in a policy that hides a rule."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for at, key in enumerate(keys) if key in keys[:at]]
        if twice:
            raise BadInput(f"stands twice (line {node.start_mark.line + 1})", "Keep one.", field=str(twice[0]))
        return super().construct_mapping(node, deep)
