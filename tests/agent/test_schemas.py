"""Tool schemas are strict, come from the step models, and list only what the situation has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from agent.planner import Fact, Option, Situation, read_step
from agent.schemas import from_call, tools_for

FACT = Fact(name="order", value="A1", source="tracker", at="2026-11-20T12:00:00+00:00")
TALK = Situation(
    kind="conversation", role="customer", facts=(FACT,), allowed_tools=("tracker.order_status", "reschedule")
)
CASE = Situation(
    kind="case",
    role="system",
    options=(Option(id="o1", kind="wait", cost_cents=5), Option(id="o2", kind="retell", cost_cents=1, feasible=False)),
)


def schemas(situation: Situation) -> dict[str, dict[str, Any]]:
    return {tool["function"]["name"]: tool["function"] for tool in tools_for(situation)}


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)


@pytest.mark.parametrize("situation", [TALK, CASE])
def test_every_schema_is_strict(situation: Situation) -> None:
    for function in schemas(situation).values():
        assert function["strict"] is True
        assert function["description"]
        jsonschema.Draft202012Validator.check_schema(function["parameters"])
        for part in objects(function["parameters"]):
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])


def test_only_steps_that_make_sense_are_offered() -> None:
    assert set(schemas(TALK)) == {"look", "try", "answer", "ask", "propose", "escalate"}
    assert set(schemas(CASE)) == {"choose", "escalate"}


def test_only_what_the_situation_has_can_be_named() -> None:
    assert schemas(TALK)["look"]["parameters"]["properties"]["tool"]["enum"] == ["reschedule", "tracker.order_status"]
    assert schemas(TALK)["answer"]["parameters"]["properties"]["facts"]["items"]["enum"] == ["order"]
    assert schemas(CASE)["choose"]["parameters"]["properties"]["option_id"]["enum"] == ["o1"]


def test_arguments_by_the_schema_read_as_a_step() -> None:
    call = {"action": "reschedule", "args": [{"name": "order", "value": "A1"}, {"name": "day", "value": "2026-11-21"}]}
    jsonschema.validate(call, schemas(TALK)["propose"]["parameters"])
    step = read_step({"step": "propose", **from_call(call)})
    assert step.model_dump()["args"] == {"order": "A1", "day": "2026-11-21"}


@pytest.mark.parametrize(
    "call",
    [
        [],
        "x",
        None,
        {"args": ["a"]},
        {"args": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]},  # which of the two?
        {"args": [{"name": "a", "value": "1", "more": "2"}]},
        {"args": [{"key": "a", "value": "1"}]},
    ],
)
def test_what_is_no_call_is_refused(call: object) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        from_call(call)


def test_a_call_can_not_rename_its_step() -> None:
    assert "step" not in from_call({"step": "propose", "tool": "x"})
