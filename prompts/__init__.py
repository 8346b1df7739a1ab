"""How we say it: text only. `read` gives one file, `version` says which texts a decision was made with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core import canonical
from core.errors import NotFound

ROOT = Path(__file__).parent
KINDS = (".txt", ".md")


@cache
def names() -> tuple[str, ...]:
    """Every text by its path in this folder: `templates/en/promise.txt`."""
    paths = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.suffix in KINDS)
    return tuple(sorted(paths))


@cache
def read(name: str) -> str:
    """The text of one file, without the space around it."""
    if name not in names():
        raise NotFound(f"there is no text {name!r}", "See prompts/ for what there is.", field="name")
    return (ROOT / name).read_text("utf-8").strip()


@cache
def version() -> str:
    """Content hash over all texts."""
    return canonical.digest({name: read(name) for name in names()})
