"""A page on what a changed policy would have done, for an ops lead to read, sign and file: one HTML file on its own.

It names both policies by the digest of what they say, and carries a digest of the figures that were signed for.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core import canonical, money
from tools.policy import Policy
from tools.policy_replay import Change, Judged

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: 12px; overflow-wrap: anywhere; }
.sign td { height: 3rem; vertical-align: bottom; }
"""


def draw(new: Policy, now: Policy, judged: Sequence[Judged], found: Sequence[Change]) -> str:
    """The page. `judged` are all decisions that were looked at, `found` the changes among them."""
    days = sorted({each.day for each in judged})
    parts = [
        f"<h1>Policy {escape(new.name)}: what it would have done</h1>",
        f"<p>{len(judged)} decisions from {days[0]} to {days[-1]}, each judged again on the facts and the option "
        "that were recorded. What a decision changed for those after it, the day's spending say, stays as it was.</p>",
        _table("Policies", ("policy", "version"), [("in force", now.version), ("to sign", new.version)]),
        _changes(found),
        _each(judged),
        _unread(judged),
        _signatures(canonical.digest([each.model_dump() for each in judged])),
    ]
    head = f"<meta charset=utf-8><title>Policy {escape(new.name)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _changes(found: Sequence[Change]) -> str:
    if not found:
        return "<h2>Changes</h2><p>Every decision would have come out the same.</p>"
    rows: list[tuple[object, ...]] = [
        (c.action, c.was, c.now, c.decisions, c.days, money.say(c.cost_cents), f"{c.people:+d}") for c in found
    ]
    rows.append(
        ("all", "", "", sum(c.decisions for c in found), "", money.say(sum(c.cost_cents for c in found)),
         f"{sum(c.people for c in found):+d}")
    )  # fmt: skip
    heads = ("action", "was", "would be", "decisions", "days", "cost beside doing nothing", "people asked")
    return _table("Changes", heads, rows)


def _each(judged: Sequence[Judged]) -> str:
    rows = [
        (each.day, each.decision, each.action, f"{each.was} ({each.was_rule})", f"{each.now} ({each.now_rule})",
         each.said, money.say(each.cost_cents - each.nothing_cents))
        for each in judged if each.differs and not each.why
    ]  # fmt: skip
    heads = ("day", "decision", "action", "was", "would be", "became", "cost beside doing nothing")
    return _table("Each of them", heads, rows) if rows else ""


def _unread(judged: Sequence[Judged]) -> str:
    rows = [(each.day, each.decision, each.why) for each in judged if each.why]
    return _table("Could not be judged again", ("day", "decision", "why"), rows) if rows else ""


def _signatures(digest: str) -> str:
    lines = "".join(f"<tr><td>{who}</td><td></td><td></td></tr>" for who in ("Ops lead", "Second reader"))
    return (
        f"<h2>Signed for</h2><p>Digest of these figures: <code>{digest}</code></p>"
        f"<table class=sign><tr><th>who</th><th>name</th><th>date</th></tr>{lines}</table>"
    )


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    number = " class=number" if isinstance(value, int) else ""
    return f"<td{number}>{escape(str(value))}</td>"
