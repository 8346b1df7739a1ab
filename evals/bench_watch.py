"""Watches `/api/stream` for what became of cases. A delta is sent when its transaction commits, so that what is seen
here is applied and durable."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

DECIDED = frozenset({"acting", "escalated"})
"""statuses that are set in the transaction that writes the decision"""


class Watch(threading.Thread):
    def __init__(self, host: str, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self._address, self._token = (host, port), token
        self.decided: dict[str, float] = {}
        """stop -> when the first decision about it was seen"""
        self.waiting: dict[str, float] = {}
        """stop -> when a person was asked about it"""

    def run(self) -> None:
        while True:
            try:
                self._listen()
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.2)

    def _listen(self) -> None:
        link = http.client.HTTPConnection(*self._address, timeout=60)
        link.request("GET", "/api/stream", headers={"authorization": f"Bearer {self._token}"})
        answer = link.getresponse()
        kind = ""
        while line := answer.readline():
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                kind = text.removeprefix("event: ")
            elif text.startswith("data: ") and kind == "case":
                self.take(json.loads(text.removeprefix("data: ")), time.monotonic())

    def take(self, case: dict[str, Any], at: float) -> None:
        if case["kind"] not in ("predicted_late", "promise_at_risk"):
            return
        if case["status"] in DECIDED:
            self.decided.setdefault(case["subject"], at)
        elif case["status"] == "waiting":
            self.waiting.setdefault(case["subject"], at)
