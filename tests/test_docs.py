"""The docs are held to the code: what exists appears in them, and what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from agent import planner
from core import attempts, breakdowns, cases, reviews, settings, taps
from evals.attacks import goals, play, scene
from evals.scenarios import truth
from optimizer import reasons
from tests.api import test_roles as roles
from tools import acting, desk, kinds, looking, policy

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def rule_ids() -> list[str]:
    return [rule.id for rule in policy.default().rules] + [f"limit.{name}" for name in policy.LIMITS]


def reason_codes() -> list[str]:
    """Every code that the source hands to an escalation or a closing, besides the declared ones."""
    source = "".join(
        path.read_text("utf-8") for room in ("agent", "tools", "api") for path in (ROOT / room).rglob("*.py")
    )
    said = re.findall(r'escalate\(\s*db, [^,]+(?:\([^)]*\))?, "(\w+)"', source)
    return [*reasons.REASONS, *planner.REASON_CODES, *said, *re.findall(r'reason_code="(\w+)"', source)]


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("settings.md", [name for name, _, _ in settings.rows()]),
        ("policy.md", [*rule_ids(), *policy.FACTS, *policy.default().levels]),
        ("tools.md", [*looking.TOOLS, *desk.PROPOSALS, *acting.ACTIONS]),
        ("reasons.md", reason_codes()),
        ("cases.md", [*kinds.KINDS, *cases.STATUSES]),
        ("evals.md", [*goals.GOALS, *scene.SLOTS, *scene.ROLES, *play.ARMS, *(name for name, _ in truth.DUTIES)]),
        ("reviews.md", reviews.WHY),
        ("events.md", [*taps.TAPS, *attempts.REASONS, *breakdowns.REASONS]),
    ],
)
def test_everything_that_exists_is_in_the_docs(page: str, names: Iterable[str]) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("KINDS", sorted(kinds.KINDS)),
        ("OPTIONS", sorted({option for kind in kinds.KINDS.values() for option in kind.tried})),
        ("DONE", sorted(acting.ACTIONS)),
    ],
)
def test_the_page_has_words_for_everything_that_a_case_can_be_or_do(table: str, names: list[str]) -> None:
    text = (ROOT / "api" / "pages" / "words.js").read_text("utf-8")
    words = text.split(f"const {table} = {{")[1].split("\n};")[0]
    assert [name for name in names if f"  {name}: " not in words] == []


@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
def test_every_kind_of_case_has_its_page_and_its_playbook(kind: str) -> None:
    page = (DOCS / "cases" / f"{kind}.md").read_text("utf-8")
    named = [*kinds.KINDS[kind].tried, *kinds.KINDS[kind].actions.values()]
    assert [name for name in named if f"`{name}`" not in page] == []
    assert (ROOT / "prompts" / "playbooks" / f"{kind}.md").read_text("utf-8").startswith("# ")


def test_every_setting_stands_with_its_default_and_meaning() -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    assert [name for name, default, meaning in settings.rows() if default not in text or meaning not in text] == []


def who_may(route: tuple[str, str]) -> str:
    """As the page says it: staff for all of them together, then the others."""
    if route in roles.OPEN:
        return "anyone"
    allowed = roles.ALLOWED[route]
    if allowed == roles.ROLES:
        return "signed in"
    staff = allowed & roles.STAFF if allowed >= roles.STAFF else frozenset()
    return ", ".join([*(["staff"] if staff else []), *sorted(allowed - staff)])


def test_the_page_of_the_api_has_every_route_with_who_may_call_it() -> None:
    rows = re.findall(
        r"^\| `([A-Z]+)` \| `([^`]+)` \| ([^|]+) \| \S", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(rows) == sorted((*route, who_may(route)) for route in roles.routes())


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    broken = []
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if "://" not in link and not (page.parent / link).exists():
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_the_commands_that_the_readme_names_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", text)) <= targets
    shown = subprocess.run(
        [sys.executable, "-m", "api.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    named = set(re.findall(r"`doorstep ([a-z]+)", text))
    assert named
    assert [name for name in named if not re.search(rf"\b{name}\b", shown)] == []
