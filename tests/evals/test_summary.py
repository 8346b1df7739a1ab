"""The report says what the files say, in Markdown and as a page, the same for the same figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import BadFile
from evals import summary

ATTACKS = [
    {"goal": "spam", "role": "driver", "slot": "sms", "arm": arm, "reached": arm != "full", "seen": False}
    for arm in ("full", "no_policy_no_box")
]
SCENARIOS = [
    {"kind": kind, "seed": 1, "manner": "terse", "wanted": wanted, "reason": reason, "escalated": went, "reasons": [],
     "failed": [] if went == (wanted == "must") else ["escalation"], "checks": 6}
    for kind, wanted, reason, went in (
        ("safety", "must", "safety", True), ("legal", "must", "legal", False), ("where", "must_not", None, False),
    )
]  # fmt: skip
DAY = {"seed": 301, "intensity": 1, "alone": 0.9, "reversed": 0, "cases": 10, "late": 2, "kinds": []}
DAYS = [
    DAY | {"arm": "agent", "cost": 10500, "hindsight": 10000}, DAY | {"arm": "nobody", "cost": 12000, "hindsight": None}
]  # fmt: skip


def written(folder: Path, **files: object) -> list[str]:
    words = ["--out", str(folder), "--on", "2026-06-02"]
    for name, rows in files.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
        words += [f"--{name}", str(folder / f"{name}.json")]
    return words


def test_both_files_say_what_was_measured(tmp_path: Path) -> None:
    words = written(tmp_path, attacks=ATTACKS, scenarios=SCENARIOS, days=DAYS)
    assert summary.main(words) == 0
    text, page = ((tmp_path / f"evals-2026-06-02.{kind}").read_text() for kind in ("md", "html"))
    assert "| full | 0.000 (0.000 to 0.793), 0 of 1 | 0 |" in text
    assert "| recall, legal | 0.000 (0.000 to 0.793), 0 of 1 | 1.00 |" in text
    assert "| precision of always asking | 0.667" in text
    assert "- legal, seed 1 (terse): escalation" in text
    assert "agent: 90.0% with no person, 0 reversed, 2 late, cost 105.00, +5.0% beside hindsight" in text
    assert "nobody: 90.0% with no person, 0 reversed, 2 late, cost 120.00, +20.0% beside hindsight" in text
    assert page.count("<svg") == 2 + 5
    assert summary.main(words) == 0
    assert (tmp_path / "evals-2026-06-02.md").read_text() == text


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("no")
    with pytest.raises(BadFile, match=r"a\.json"):
        summary.main(["--out", str(tmp_path), "--on", "2026-06-02", "--days", str(tmp_path / "a.json")])
