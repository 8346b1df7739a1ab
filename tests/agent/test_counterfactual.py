"""What would have changed a decision does change it, and nothing is named that would not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from agent import counterfactual
from agent.counterfactual import Otherwise
from core import decisions
from core.errors import WrongState
from core.store import db as store
from core.store.tables import decision
from tests.living import Living
from tests.tools.a_case import Picks, decided, late, planned
from tools import policy
from tools.policy import Value


def found(case_id: str) -> list[Otherwise]:
    with store.transaction() as db:
        return counterfactual.of_decision(db, decided(case_id)[-1].id)


def test_an_automatic_decision_names_the_facts_and_limits_that_would_have_asked(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work(planner=Picks("retell"))
    changes = {(each.what, each.name): each for each in found(case_id)}
    assert changes["fact", "retold_today"].then == "ask (retell.too_often)"
    assert changes["fact", "retold_today"].needed == "2"
    assert all(each.then.startswith("ask") for each in changes.values() if each.what != "option")
    assert str(changes["fact", "retold_today"]) == "with fact retold_today 2 instead of 0: ask (retell.too_often)"


@pytest.mark.parametrize(
    ("cost", "needed", "then"),
    [(2000, "2000", "auto (resequence.within_limits)"), (100, "99", "ask (limit.extra_cost_cents)")],
)
def test_a_limit_is_named_with_what_it_takes_to_go_the_other_way(cost: int, needed: str, then: str) -> None:
    facts: dict[str, Value] = {
        "minutes_since_move": 60, "stop_moves_today": 0, "retold_today": 0, "spent_today_cents": 0,
    }  # fmt: skip
    option = {
        "kind": "resequence", "cost_cents": cost, "others_delayed_min": 0, "stops_moved": 1, "promises_broken": 0,
        "promises_retold": 0,
    }  # fmt: skip
    limits = {each.name: each for each in counterfactual.limits(policy.default(), "predicted_late", "s", facts, option)}
    held = limits["extra_cost_cents"]
    assert (held.was, held.needed, held.then) == ("1500", needed, then)


def test_another_option_lacks_as_much_as_it_was_dearer(living: Living) -> None:
    day = planned(living)
    case_id = late(day)
    living.work()
    with store.transaction() as db:
        outcome = decisions.body(db, decided(case_id)[-1].id)["outcome"]
    prices = {option["id"]: option["cost_cents"] for option in outcome["options"]}
    lacks = {each.name: int(each.needed) for each in found(case_id) if each.what == "option"}
    taken = outcome["picked"]
    assert lacks
    assert all(gap in (prices[name] - prices[taken], prices[name] - prices[taken] + 1) for name, gap in lacks.items())


def test_a_decision_without_options_has_none(living: Living) -> None:
    planned(living)
    with store.transaction() as db:
        published = db.execute(select(decision.c.id)).scalars().first()
        assert published is not None
        with pytest.raises(WrongState):
            counterfactual.of_decision(db, published)
