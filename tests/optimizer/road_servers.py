"""A road server on loopback that speaks OSRM's and Valhalla's words, knows a straight-line world and can misbehave."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import LoopbackHandler, LoopbackServer


class Fake(LoopbackServer):
    def __init__(self) -> None:
        super().__init__(_Answer)
        self.asked: list[int] = []
        """pairs of each request"""
        self.islands: set[tuple[float, float]] = set()
        """(lat, lon) to and from which no road leads"""
        self.answer: tuple[int, Any] | None = None
        """said to everything instead: status and body, bytes as they are"""
        self.slow_s = 0.0
        self.old_valhalla = False

    def seconds(self, a: tuple[float, float], b: tuple[float, float]) -> float | None:
        """A degree is a thousand seconds; northwards takes twice as long."""
        if a != b and {a, b} & self.islands:
            return None
        north = b[0] - a[0]
        return round(1000 * (abs(north) * (2 if north > 0 else 1) + abs(b[1] - a[1])), 1)

    def table(self, sources: list[Any], targets: list[Any], of: float) -> list[list[float | None]]:
        self.asked.append(len(sources) * len(targets))
        found = [[self.seconds(tuple(a), tuple(b)) for b in targets] for a in sources]
        return [[None if cell is None else cell * of for cell in row] for row in found]


class _Answer(LoopbackHandler):
    server: Fake

    def asked(self) -> None:
        """OSRM."""
        url = urlsplit(self.path)
        places = [(float(lat), float(lon)) for lon, lat in (p.split(",") for p in url.path.split("/")[-1].split(";"))]
        query = {name: values[0] for name, values in parse_qs(url.query, separator="&").items()}
        if len(places) > 100:
            return self._say(400, {"code": "TooBig", "message": "Too many table coordinates"})
        sources, targets = ([places[int(at)] for at in query[name].split(";")] for name in ("sources", "destinations"))
        assert query["annotations"] == "duration,distance"
        durations, distances = self.server.table(sources, targets, 1), self.server.table(sources, targets, 10)
        return self._say(200, {"code": "Ok", "durations": durations, "distances": distances})

    def sent(self) -> None:
        """Valhalla."""
        said = json.loads(self.body())
        sources, targets = ([(p["lat"], p["lon"]) for p in said[name]] for name in ("sources", "targets"))
        if said["costing"] != "auto":
            return self._say(400, {"error_code": 125, "error": "No costing method found", "status_code": 400})
        times, km = self.server.table(sources, targets, 1), self.server.table(sources, targets, 0.01)
        if self.server.old_valhalla:
            rows = [[{"time": t, "distance": d} for t, d in zip(*both, strict=True)]
                    for both in zip(times, km, strict=True)]  # fmt: skip
            return self._say(200, {"sources_to_targets": rows, "units": "kilometers"})
        return self._say(200, {"sources_to_targets": {"durations": times, "distances": km}})

    def _say(self, status: int, body: Any) -> None:
        time.sleep(self.server.slow_s)
        self.say(*(self.server.answer or (status, body)))
