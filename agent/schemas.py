"""Steps as strict tool schemas: what a model may call here, derived from the step models themselves.

Strict schemas allow no free-form objects, so `args` travels as a list of name and value. Tools, actions, options and
reason codes are listed as enums: what the situation does not have can't be written down.
"""

from __future__ import annotations

from typing import Any

from agent.planner import REASON_CODES, SAID_BY_THE_LOOP, STEPS, Frozen, Situation
from tools.notify import templates

_PAIRS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
        "required": ["name", "value"],
        "additionalProperties": False,
    },
}


def tools_for(situation: Situation) -> list[dict[str, Any]]:
    """The steps that make sense in this situation, as function tools."""
    return [_tool(kind, choices) for kind in STEPS if (choices := _choices(kind, situation)) is not None]


def from_call(arguments: Any) -> dict[str, Any]:
    """A step's fields from a call's arguments. Raises TypeError or ValueError for what is no such object."""
    if not isinstance(arguments, dict):
        raise TypeError("not an object")
    fields: dict[str, Any] = {str(name): value for name, value in arguments.items() if name != "step"}
    pairs = fields.get("args")
    if isinstance(pairs, list):
        fields["args"] = {pair["name"]: pair["value"] for pair in pairs if isinstance(pair, dict) and len(pair) == 2}
        if len(fields["args"]) != len(pairs):
            raise ValueError("args are pairs of name and value, each name once")
    return fields


def _choices(kind: type[Frozen], situation: Situation) -> dict[str, list[str]] | None:
    """Field -> values it may have; None when this step can't be made here."""
    case = situation.kind == "case"
    tools = sorted(situation.allowed_tools)
    names = sorted({fact.name for fact in situation.facts})
    options = sorted(option.id for option in situation.options if option.feasible)
    match kind.__name__:
        case "Look" | "Try":
            return {"tool": tools} if tools else None
        case "Propose":
            return {"action": tools} if tools and not case else None
        case "Choose":
            return {"option_id": options} if options else None
        case "Answer":
            replies = sorted(
                name for name in templates.TEMPLATES if name.startswith("reply_") and name not in SAID_BY_THE_LOOP
            )
            return None if case else {"template": replies, "facts": names}
        case "Ask":
            return None if case else {"slot": ["order", "day", "van", "intent"]}
        case _:
            return {"reason_code": sorted(REASON_CODES)}


def _tool(kind: type[Frozen], choices: dict[str, list[str]]) -> dict[str, Any]:
    raw = kind.model_json_schema()["properties"]
    properties = {name: _strict(name, part, choices) for name, part in raw.items() if name != "step"}
    return {
        "type": "function",
        "function": {
            "name": kind.model_fields["step"].default,
            "description": " ".join((kind.__doc__ or "").split()),
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
        },
    }


def _strict(name: str, part: dict[str, Any], choices: dict[str, list[str]]) -> dict[str, Any]:
    if part["type"] == "object":
        return _PAIRS
    if part["type"] == "array":
        items = {"type": "string", "enum": choices[name]} if choices.get(name) else {"type": "string"}
        return {"type": "array", "items": items}
    return {"type": "string", "enum": choices[name]} if name in choices else {"type": "string"}
