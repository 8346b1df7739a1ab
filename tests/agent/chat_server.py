"""A chat completions endpoint on loopback that answers what a test scripts, well or badly."""

from __future__ import annotations

import json
from typing import Any

from tests.loopback import LoopbackHandler, LoopbackServer


def calls(*steps: tuple[str, object]) -> dict[str, Any]:
    """A completion that calls tools; arguments that are text go out as they are."""
    made = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": data if isinstance(data, str) else json.dumps(data)},
        }
        for at, (name, data) in enumerate(steps)
    ]
    return completion({"role": "assistant", "content": None, "tool_calls": made}, "tool_calls")


def completion(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


class ChatServer(LoopbackServer):
    """`script` is used up one a request: a body to send with 200, a (status, body) pair, raw bytes, or "hang"."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.script: list[Any] = []
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"{super().url}/v1"


class _Handler(LoopbackHandler):
    server: ChatServer

    def sent(self) -> None:
        body = json.loads(self.body())
        self.server.requests.append({"path": self.path, "auth": self.headers.get("Authorization"), **body})
        answer = self.server.script.pop(0) if self.server.script else (500, {"error": {"message": "nothing scripted"}})
        if answer == "hang":
            self.server.released.wait(5)
        elif answer == "drop":
            self.connection.close()
        else:
            self.say(*(answer if isinstance(answer, tuple) else (200, answer)))
