"""A chat completions endpoint on loopback that answers what a test scripts, well or badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


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


class ChatServer:
    """`script` is used up one a request: a body to send with 200, a (status, body) pair, raw bytes, or "hang"."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    chat: ChatServer
    released: threading.Event

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.chat.requests.append({"path": self.path, "auth": self.headers.get("Authorization"), **json.loads(body)})
        answer = self.chat.script.pop(0) if self.chat.script else (500, {"error": {"message": "nothing scripted"}})
        if answer == "hang":
            self.released.wait(5)
        elif answer == "drop":
            self.connection.close()
        elif isinstance(answer, bytes):
            self._send(200, answer)
        elif isinstance(answer, tuple):
            self._send(answer[0], json.dumps(answer[1]).encode())
        else:
            self._send(200, json.dumps(answer).encode())

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving() -> Iterator[ChatServer]:
    server, released = ChatServer(), threading.Event()
    handler = type("Handler", (_Handler,), {"chat": server, "released": released})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        released.set()
        http.shutdown()
        thread.join()
        http.server_close()
