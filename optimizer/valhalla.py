"""Valhalla's `sources_to_targets` (https://valhalla.github.io/valhalla/api/matrix/api-reference/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from core.errors import Unavailable
from optimizer.roads import TRY_AGAIN, Legs, table_of
from optimizer.travel import Point

TIMEOUT_S = 30.0
KM = 1000.0


class Valhalla:
    def __init__(self, url: str, costing: str = "auto", timeout_s: float = TIMEOUT_S) -> None:
        self.url, self.costing = url.rstrip("/"), costing
        self.name = f"valhalla:{self.url}:{costing}"
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)

    def legs(self, sources: Sequence[Point], targets: Sequence[Point]) -> Legs:
        question = {
            "sources": [{"lat": lat, "lon": lon} for lat, lon in sources],
            "targets": [{"lat": lat, "lon": lon} for lat, lon in targets],
            "costing": self.costing, "units": "km", "verbose": False,
        }  # fmt: skip
        found = self._ask(question).get("sources_to_targets")
        shape = len(sources), len(targets)
        if isinstance(found, dict):
            seconds, km = found.get("durations"), found.get("distances")
        else:  # a server from before `verbose` could be off: a cell a pair
            seconds, km = _cells(found, "time"), _cells(found, "distance")
        return Legs(
            table_of(seconds, shape, "Valhalla", "times"), KM * table_of(km, shape, "Valhalla", "distances")
        )  # fmt: skip

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._http.post(f"{self.url}/sources_to_targets", json=question)
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"Valhalla at {self.url}: {type(error).__name__}.", TRY_AGAIN) from error
        if answer.status_code != 200 or not isinstance(said, dict):
            words = said.get("error", "") if isinstance(said, dict) else ""
            code = said.get("error_code", "") if isinstance(said, dict) else ""
            raise Unavailable(f"Valhalla at {self.url} says {answer.status_code} {code}: {str(words)[:200]}", TRY_AGAIN)
        return said


def _cells(rows: object, name: str) -> object:
    try:
        return [[cell[name] for cell in row] for row in rows]  # type: ignore[attr-defined]
    except (KeyError, TypeError):
        return None
