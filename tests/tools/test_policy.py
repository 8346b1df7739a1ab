"""Policy: the shipped file decides as documented, missing facts never help, and a bad file names its field."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadFile, BadInput
from tools import policy as policies
from tools.policy import FACTS, REACHES_A_PERSON, STRICTNESS, Action, Policy, Verdict, decide

SHIPPED = policies.default()
KINDS = sorted(SHIPPED.levels)
AT_HOME = {"verified": True, "loaded": False, "slot_open": True, "days_ahead": 3}
CHEAP = {
    "extra_cost_cents": 150,
    "minutes_late_others": 5,
    "stops_moved": 2,
    "promises_broken": 0,
    "spent_today_cents": 0,
    "stop_moves_today": 0,
    "minutes_since_move": 30,
    "retold_today": 0,
    "loaded": False,
}

MINIMAL = """
name: small
levels: {reassign: 2}
limits: {extra_cost_cents: 100, minutes_late_others: 5, stops_moved: 1, promises_broken: 0, spend_per_day_cents: 500}
rules:
  - {id: r.aboard, action: reassign, when: {loaded: {is: true}}, verdict: deny, why: goods can't jump between vans}
  - {id: r.near, action: reassign, when: {stops_moved: {max: 3}}, within: [extra_cost_cents, spend_per_day_cents],
     verdict: auto, why: a small move}
"""


def small(**changes: str) -> Policy:
    text = MINIMAL
    for old, new in changes.items():
        text = text.replace(f"{old}: 2", f"{old}: {new}") if old == "reassign" else f"{text}{old}: {new}\n"
    return policies.parse(text)


def ask(kind: str, facts: dict[str, int | str | bool], policy: Policy = SHIPPED) -> Verdict:
    return decide(policy, Action(kind=kind), facts)


@pytest.mark.parametrize(
    ("kind", "facts", "verdict", "rule"),
    [
        ("plan.publish", {"violations": 0, "unassigned": 0}, "auto", "publish.whole"),
        ("plan.publish", {"violations": 0, "unassigned": 2}, "ask", "publish.leaves_out"),
        ("plan.publish", {"violations": 1, "unassigned": 0}, "deny", "publish.broken"),
        ("wait", {"promises_broken": 0}, "auto", "wait.harmless"),
        ("wait", {"promises_broken": 1}, "ask", "wait.breaks_promise"),
        ("retell", CHEAP, "auto", "retell.in_time"),
        ("retell", CHEAP | {"retold_today": 2}, "ask", "retell.too_often"),
        ("retell", CHEAP | {"extra_cost_cents": 1501}, "ask", "limit.extra_cost_cents"),
        ("resequence", CHEAP, "auto", "resequence.within_limits"),
        ("resequence", CHEAP | {"minutes_late_others": 21}, "ask", "limit.minutes_late_others"),
        ("resequence", CHEAP | {"minutes_since_move": 29}, "ask", "resequence.too_soon"),
        ("resequence", CHEAP | {"retold_today": 2, "promises_retold": 1}, "ask", "resequence.told_twice"),
        ("resequence", CHEAP | {"retold_today": 2, "promises_retold": 0}, "auto", "resequence.within_limits"),
        ("reassign", CHEAP | {"minutes_since_move": 29}, "ask", "reassign.too_soon"),
        ("retell_all", CHEAP, "ask", "retell_all.asks"),
        ("resequence_all", CHEAP, "ask", "resequence_all.asks"),
        ("resequence", CHEAP | {"stop_moves_today": 2}, "ask", "resequence.ping_pong"),
        ("resequence", CHEAP | {"spent_today_cents": 19_900}, "ask", "limit.spend_per_day_cents"),
        ("retell", CHEAP | {"spent_today_cents": 30_000, "extra_cost_cents": 0}, "auto", "retell.in_time"),
        ("reassign", CHEAP, "auto", "reassign.within_limits"),
        ("reassign", CHEAP | {"loaded": True}, "ask", "reassign.aboard"),
        ("reassign", CHEAP | {"stops_moved": 5}, "ask", "limit.stops_moved"),
        ("postpone", CHEAP, "ask", "postpone.asks"),
        ("reschedule", AT_HOME, "auto", "reschedule.ahead"),
        ("reschedule", AT_HOME | {"verified": False}, "deny", "reschedule.unverified"),
        ("reschedule", AT_HOME | {"loaded": True}, "ask", "reschedule.aboard"),
        ("reschedule", AT_HOME | {"slot_open": False}, "ask", "reschedule.no_room"),
        ("reschedule", AT_HOME | {"days_ahead": -1}, "deny", "reschedule.past"),
        ("reschedule", AT_HOME | {"days_ahead": 0}, "ask", "reschedule.other"),
        ("cancel", AT_HOME | {"notice_min": 30}, "auto", "cancel.at_depot"),
        ("cancel", AT_HOME | {"notice_min": 29}, "ask", "cancel.short_notice"),
        ("cancel", AT_HOME, "deny", "default.deny"),
        ("again", CHEAP | {"attempts": 1}, "auto", "again.within_limits"),
        ("again", CHEAP | {"attempts": 1, "extra_cost_cents": 1501, "requester": "customer"}, "auto", "again.wished"),
        ("again", CHEAP | {"attempts": 2, "requester": "customer"}, "ask", "again.third"),
        ("again", CHEAP | {"attempts": 2}, "ask", "again.third"),
        ("again", CHEAP | {"attempts": 1, "extra_cost_cents": 1501}, "ask", "limit.extra_cost_cents"),
        ("retry_day", {"attempts": 1, "slot_open": True}, "auto", "retry_day.next"),
        ("retry_day", {"attempts": 2, "slot_open": True}, "ask", "retry_day.third"),
        ("retry_day", {"attempts": 1, "slot_open": False}, "ask", "retry_day.no_room"),
        ("return", {"requester": "customer"}, "auto", "return.wished"),
        ("return", {"requester": "system"}, "ask", "return.unasked"),
        ("cancel", AT_HOME | {"notice_min": 300, "loaded": True}, "ask", "cancel.aboard"),
        ("join", CHEAP, "auto", "join.within_limits"),
        ("join", CHEAP | {"loaded": True}, "deny", "join.aboard"),
        ("cancel", AT_HOME | {"verified": False}, "deny", "cancel.unverified"),
        (
            "message.send",
            {
                "opted_out": False,
                "messages_today": 1,
                "quiet_hours": False,
                "template": "retell",
                "requester": "system",
            },
            "auto",
            "message.allowed",
        ),
        (
            "message.send",
            {"opted_out": True, "messages_today": 0, "quiet_hours": False, "template": "retell", "requester": "system"},
            "deny",
            "message.opted_out",
        ),
        (
            "message.send",
            {"opted_out": False, "messages_today": 0, "quiet_hours": False, "template": "", "requester": "system"},
            "deny",
            "message.free_text",
        ),
        ("undo", CHEAP | {"requester": "dispatcher", "reversible": True}, "auto", "undo.possible"),
        ("undo", CHEAP | {"requester": "customer", "reversible": True}, "deny", "undo.not_staff"),
        ("undo", CHEAP | {"requester": "dispatcher", "reversible": False}, "ask", "undo.compensates"),
        ("escalate", {}, "auto", "escalate.always"),
        ("erase.everything", CHEAP, "deny", "default.deny"),
    ],
)
def test_the_shipped_policy_decides_as_documented(
    kind: str, facts: dict[str, int | str | bool], verdict: str, rule: str
) -> None:
    got = ask(kind, facts)
    assert (got.verdict, got.rule) == (verdict, rule)
    assert got.reason


def test_every_rule_says_why_and_none_is_unreachable_behind_an_earlier_one_without_conditions() -> None:
    closed: set[str] = set()
    for rule in SHIPPED.rules:
        assert rule.why.endswith("."), rule.id
        assert rule.action not in closed, f"{rule.id} can never match"
        if not rule.when:
            closed.add(rule.action)


def test_every_automatic_choice_of_a_case_keeps_the_money_limits() -> None:
    for rule in SHIPPED.rules:
        if rule.verdict == "auto" and rule.action in {"retell", "resequence", "reassign", "undo"}:
            assert {"extra_cost_cents", "spend_per_day_cents", "promises_broken"} <= set(rule.within), rule.id


# Properties over all facts


def values_of(name: str) -> st.SearchStrategy[int | str | bool]:
    numbers = st.integers(-2, 3) | st.integers(-50_000, 50_000)
    if name in {"requester", "template"}:
        return st.sampled_from(["", "system", "customer", "dispatcher", "retell"])
    if name in {"loaded", "opted_out", "quiet_hours", "reversible", "slot_open", "verified"}:
        return st.booleans() | st.sampled_from([0, 1, "true"])
    return numbers | st.booleans() | st.just("3")


facts_strategy = st.fixed_dictionaries({}, optional={name: values_of(name) for name in FACTS})


@given(st.sampled_from(KINDS), facts_strategy, st.data())
def test_forgetting_a_fact_never_makes_a_verdict_more_permissive(
    kind: str, facts: dict[str, int | str | bool], data: st.DataObject
) -> None:
    kept = {name: value for name, value in facts.items() if data.draw(st.booleans(), label=name)}
    assert STRICTNESS[ask(kind, kept).verdict] >= STRICTNESS[ask(kind, facts).verdict]


@given(st.sampled_from(KINDS), facts_strategy)
def test_auto_always_comes_from_a_matching_auto_rule(kind: str, facts: dict[str, int | str | bool]) -> None:
    got = ask(kind, facts)
    if got.verdict == "auto":
        rule = next(rule for rule in SHIPPED.rules if rule.id == got.rule)
        assert (rule.verdict, rule.action, rule.matches(facts)) == ("auto", kind, True)


@given(st.sampled_from(KINDS), facts_strategy, st.sampled_from(["ask", "deny"]))
def test_the_kill_switch_wins_over_everything_but_a_call_for_help(
    kind: str, facts: dict[str, int | str | bool], switch: str
) -> None:
    stopped = SHIPPED.model_copy(update={"kill_switch": switch})
    got, free = ask(kind, facts, stopped), ask(kind, facts)
    if kind in REACHES_A_PERSON:
        assert got == free
    else:
        assert STRICTNESS[got.verdict] >= max(STRICTNESS[switch], STRICTNESS[free.verdict])


@given(st.sampled_from(KINDS), facts_strategy, st.integers(0, 2))
def test_a_lower_level_is_never_more_permissive(kind: str, facts: dict[str, int | str | bool], level: int) -> None:
    verdicts = [
        ask(kind, facts, SHIPPED.model_copy(update={"levels": {**SHIPPED.levels, kind: at}})).verdict
        for at in (level, level + 1)
    ]
    assert STRICTNESS[verdicts[0]] >= STRICTNESS[verdicts[1]]
    assert level != 0 or verdicts[0] == "deny"
    assert level != 1 or verdicts[0] != "auto"


@given(st.text(max_size=20).filter(lambda kind: kind not in KINDS), facts_strategy)
def test_no_rule_is_deny(kind: str, facts: dict[str, int | str | bool]) -> None:
    assert (ask(kind, facts).verdict, ask(kind, facts).rule) == ("deny", "default.deny")


# Levels and limits


@pytest.mark.parametrize(
    ("level", "facts", "verdict", "rule", "tell"),
    [
        ("0", {"extra_cost_cents": 1}, "deny", "level.report_only", False),
        ("1", {"extra_cost_cents": 1}, "ask", "r.near", False),
        ("2", {"extra_cost_cents": 100}, "auto", "r.near", False),
        ("2", {"extra_cost_cents": 101}, "ask", "limit.extra_cost_cents", False),
        ("2", {}, "ask", "limit.extra_cost_cents", False),
        ("2", {"extra_cost_cents": True}, "ask", "limit.extra_cost_cents", False),
        ("3", {"extra_cost_cents": 101}, "auto", "r.near", True),
        ("3", {"extra_cost_cents": 501}, "ask", "limit.spend_per_day_cents", False),
    ],
)
def test_levels_bound_what_a_rule_allows(
    level: str, facts: dict[str, int | str | bool], verdict: str, rule: str, tell: bool
) -> None:
    known: dict[str, int | str | bool] = {"loaded": False, "stops_moved": 1, "spent_today_cents": 0}
    got = ask("reassign", known | facts, small(reassign=level))
    assert (got.verdict, got.rule, got.tell) == (verdict, rule, tell)


def test_a_deny_that_only_lacks_its_fact_still_denies_and_says_which() -> None:
    got = ask("reassign", {"stops_moved": 1, "extra_cost_cents": 1, "spent_today_cents": 0}, small())
    assert (got.verdict, got.rule) == ("deny", "r.aboard")
    assert "loaded not known" in got.reason


def test_true_is_not_one_and_one_is_not_true() -> None:
    facts: dict[str, int | str | bool] = {"stops_moved": True, "loaded": 0}
    assert ask("reassign", facts, small()).rule == "default.deny"


# Reading the file


def test_the_version_is_the_content_not_the_comments() -> None:
    assert small().version == policies.parse("# a comment\n" + MINIMAL).version
    assert small().version != small(reassign="1").version
    assert small().version == small(kill_switch="off").version != small(kill_switch="ask").version


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("name: small", "name: small\nextra: 1", "extra"),
        ("name: small", "", "name"),
        ("levels: {reassign: 2}", "levels: {reassign: 4}", "levels.reassign"),
        ("levels: {reassign: 2}", "levels: {reassign: yes}", "levels.reassign"),
        ("levels: {reassign: 2}", "levels: {other: 2}", "rules[0].action"),
        ("extra_cost_cents: 100", "extra_cost_cents: -1", "limits.extra_cost_cents"),
        ("extra_cost_cents: 100", "extra_cost_cents: lots", "limits.extra_cost_cents"),
        ("extra_cost_cents: 100, ", "", "limits.extra_cost_cents"),
        ("extra_cost_cents: 100", "extra_cost_cents: 100, tea: 3", "limits.tea"),
        ("{is: true}", "{is: [1]}", "rules[0].when.loaded.is"),
        ("{is: true}", "{was: true}", "rules[0].when.loaded.was"),
        ("{is: true}", "{}", "rules[0].when.loaded"),
        ("loaded: {is", "laoded: {is", "rules[0].when.laoded"),
        ("{max: 3}", "{max: 3, min: 4}", "rules[1].when.stops_moved"),
        ("{max: 3}", "{max: '3'}", "rules[1].when.stops_moved.max"),
        ("verdict: deny", "verdict: maybe", "rules[0].verdict"),
        ("id: r.near", "id: r.aboard", "rules[1].id"),
        ("id: r.near", "id: limit.mine", "rules[1].id"),
        ("id: r.near", "id: 'Has Spaces'", "rules[1].id"),
        ("within: [extra_cost_cents,", "within: [tea,", "rules[1].within"),
        ("verdict: auto", "verdict: ask", "rules[1].within"),
        ("why: a small move", "why: hm", "rules[1].why"),
        ("name: small", "name: small\nname: twice", "name"),
        ("name: small", "name: small\nkill_switch: on", "kill_switch"),
    ],
)
def test_a_bad_policy_names_the_field(old: str, new: str, field: str) -> None:
    assert old in MINIMAL
    with pytest.raises(BadInput) as caught:
        policies.parse(MINIMAL.replace(old, new, 1))
    assert caught.value.field == field
    assert caught.value.fix


@pytest.mark.parametrize("text", ["a: [", "\x00", "[" * 1500, "!!python/object:os.system {}"])
def test_what_is_no_yaml_is_a_bad_file(text: str) -> None:
    with pytest.raises(BadFile):
        policies.parse(text)


@pytest.mark.parametrize("text", ["", "[]", "3", "null"])
def test_what_is_no_policy_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        policies.parse(text)


def test_a_file_that_is_missing_or_binary_is_a_bad_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        policies.load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadFile):
        policies.load(tmp_path / "binary.yaml")


TERMS = "clients: {acme: {levels: {reassign: 1}, limits: {extra_cost_cents: 20}}, best: {levels: {reassign: 3}}}\n"
MOVE: dict[str, int | str | bool] = {"loaded": False, "stops_moved": 1, "extra_cost_cents": 50, "spent_today_cents": 0}


@pytest.mark.parametrize(
    ("facts", "verdict", "rule", "reason"),
    [
        ({"client": "other"}, "auto", "r.near", "no terms of its own"),
        ({"client": "acme"}, "ask", "r.near", "it only lets it be recommended"),
        ({"client": "best"}, "auto", "r.near", "it lets more be done"),
        ({}, "ask", "r.near", "it may be anybody's, so the strictest count"),
        ({"client": "best", "extra_cost_cents": 150}, "auto", "r.near", "level 3 goes over the limit"),
        ({"client": "other", "extra_cost_cents": 150}, "ask", "limit.extra_cost_cents", "level 2 does not"),
        (
            {"client": "best", "extra_cost_cents": 501},
            "ask",
            "limit.spend_per_day_cents",
            "the day's spend holds for all",
        ),
    ],
)
def test_a_client_has_its_own_levels_and_limits(
    facts: dict[str, int | str | bool], verdict: str, rule: str, reason: str
) -> None:
    said = ask("reassign", MOVE | facts, policies.parse(MINIMAL + TERMS))
    assert (said.verdict, said.rule) == (verdict, rule), reason


def test_a_clients_own_limit_is_kept() -> None:
    own = policies.parse(MINIMAL + "clients: {acme: {limits: {extra_cost_cents: 20}}}\n")
    assert ask("reassign", MOVE | {"client": "acme"}, own).rule == "limit.extra_cost_cents"
    assert ask("reassign", MOVE | {"client": "other"}, own).verdict == "auto"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ("{acme: {levels: {fly: 2}}}", "clients.acme.levels.fly"),
        ("{acme: {limits: {spend_per_day_cents: 2}}}", "clients.acme.limits.spend_per_day_cents"),
        ("{acme: {limits: {speed: 2}}}", "clients.acme.limits.speed"),
        ("{acme: {levels: {reassign: 4}}}", "clients.acme.levels.reassign"),
    ],
)
def test_terms_of_a_client_that_nothing_knows_are_named(terms: str, field: str) -> None:
    with pytest.raises(BadInput) as found:
        policies.parse(f"{MINIMAL}clients: {terms}\n")
    assert found.value.field == field


def test_a_rule_says_only_of_later_ones_that_it_stands_before_them() -> None:
    with pytest.raises(BadInput) as found:
        policies.parse(MINIMAL.replace("verdict: auto", "over: [r.aboard], verdict: auto"))
    assert found.value.field == "rules[1].over"
