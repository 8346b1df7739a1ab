"""A day from a file or folder. What it is, is told by its content, not by its name."""

from __future__ import annotations

from pathlib import Path

from core.errors import BadFile
from evals.world import amazon, loggi, orderfile
from evals.world.files import parsed, read_text
from evals.world.scenario import Scenario

KNOWN = "Give a loggibud day (JSON), the folder of the Amazon routes, or orders as CSV or a JSON list."


def load(path: Path | str, *, seed: int = 1) -> Scenario:
    """The scenario of that file; every draw that it leaves open is made from the seed."""
    where = Path(path)
    if where.is_dir():
        return amazon.scenario(where, seed=seed)
    text = read_text(where)
    if not text.lstrip().startswith(("{", "[")):
        return orderfile.from_csv(text, seed=seed, name=where.stem)
    found = parsed(text, where)
    if isinstance(found, list):
        if not all(isinstance(row, dict) for row in found):
            raise BadFile(f"{where.name}: the list holds something that is not an order.", KNOWN)
        return orderfile.from_rows(found, seed, where.stem)
    if "deliveries" in found:
        return loggi.scenario(found, seed=seed)
    if any(key.startswith("RouteID_") for key in found):
        return amazon.scenario(where.parent, seed=seed)
    raise BadFile(f"{where.name}: this JSON is none of the formats known here.", KNOWN)
