"""OSRM's `table` service (http://project-osrm.org/docs/v5.24.0/api/#table-service)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from core.errors import Unavailable
from optimizer.roads import TRY_AGAIN, Legs, table_of
from optimizer.travel import Point

TIMEOUT_S = 30.0


class Osrm:
    def __init__(self, url: str, profile: str = "driving", timeout_s: float = TIMEOUT_S) -> None:
        self.url, self.profile = url.rstrip("/"), profile
        self.name = f"osrm:{self.url}:{profile}"
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)

    def legs(self, sources: Sequence[Point], targets: Sequence[Point]) -> Legs:
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in (*sources, *targets))
        first = len(sources)
        said = self._ask(
            f"{self.url}/table/v1/{self.profile}/{places}",
            {
                "sources": ";".join(map(str, range(first))),
                "destinations": ";".join(map(str, range(first, first + len(targets)))),
                "annotations": "duration,distance",
            },
        )
        shape = first, len(targets)
        return Legs(
            table_of(said.get("durations"), shape, "OSRM", "durations"),
            table_of(said.get("distances"), shape, "OSRM", "distances"),
        )

    def _ask(self, url: str, options: dict[str, str]) -> dict[str, Any]:
        # the options' separators are OSRM's own: encoding them would make the longest part three times as long
        query = "&".join(f"{name}={value}" for name, value in options.items())
        try:
            answer = self._http.get(f"{url}?{query}")
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"OSRM at {self.url}: {type(error).__name__}.", TRY_AGAIN) from error
        if not isinstance(said, dict) or said.get("code") != "Ok":
            code, words = (said.get(name, "") for name in ("code", "message")) if isinstance(said, dict) else ("", "")
            raise Unavailable(f"OSRM at {self.url} says {answer.status_code} {code}: {str(words)[:200]}", TRY_AGAIN)
        return said
