"""People who call the API of an instance, in this process: each has a token and, unless told, sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import principals
from core.store import db as store
from tests.living import Living, who

PROBLEM = "application/problem+json"


class Answer(Protocol):
    """What the test client's HTTP library, whichever it is, gives back."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...
    def json(self) -> Any: ...


@dataclass(frozen=True)
class Visitors:
    app: FastAPI
    living: Living

    def nobody(self) -> TestClient:
        """Without a token. What the app raises comes back as its answer, as over a wire."""
        return TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)

    def a(self, role: str, subject: str = "") -> TestClient:
        """`a("driver", "van1-driver")`; staff and integrators need no subject."""
        with store.transaction() as db:
            token = principals.issue(db, who(db, role, subject))
        client = self.nobody()
        client.headers["Authorization"] = f"Bearer {token}"
        return client


def post(client: TestClient, path: str, data: object) -> Answer:
    """Send JSON that is plain ASCII, so that it can spell what no text can hold."""
    return client.post(path, content=json.dumps(data), headers={"Content-Type": "application/json"})


def refused(answer: Answer, status: int, **said: str) -> dict[str, Any]:
    """The problem document of a refusal, which says what happened and, but for a sign-in page's, what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail", "fix", "field"}
    assert problem["status"] == status
    assert problem["detail"]
    for name, words in said.items():
        assert words in problem[name], problem
    return problem
