"""A server with OpenAI's chat API on an ephemeral port, whose answers a test scripts."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What is sent back: `body` as JSON unless it is bytes; `cut` closes the connection half-way."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut: bool = False


def answer(text: str | None = "four", **changes: Any) -> dict[str, Any]:
    """A chat completion of two tokens; `changes` replace fields of its choice, or its usage."""
    usage = changes.pop("usage", {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "choices": [{**choice, **changes}], "usage": usage}


Script = Callable[[int, dict[str, Any]], Reply]


class FakeServer:
    """Answers POST by `script(how many came before, body)`, and GET /v1/models by `models`.

    Attributes:
        bodies: of the chat requests, as they came.
        keys: the Authorization headers.
        most_at_once: the most chat requests that were under way together.
    """

    def __init__(self, script: Script | None = None, models: Reply | tuple[str, ...] = ("tiny",)) -> None:
        self.script = script or (lambda number, body: Reply(answer()))
        if isinstance(models, tuple):
            listed = [{"id": name, "object": "model", "created": 7, "owned_by": "me"} for name in models]
            models = Reply({"object": "list", "data": listed})
        self.models = models
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.hellos = self.most_at_once = self._under_way = 0
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuses new connections and drops those there are."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in self._sockets:
                _drop(connection)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with outer._lock:
                    outer._sockets.add(self.connection)

            def do_GET(self) -> None:
                outer.hellos += 1
                outer.keys.append(self.headers["Authorization"])
                time.sleep(outer.models.delay_s)
                self._send(outer.models if self.path == "/v1/models" else Reply({"detail": "Not Found"}, 404))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    number = len(outer.bodies)
                    outer.bodies.append(body)
                    outer.keys.append(self.headers["Authorization"])
                    outer._under_way += 1
                    outer.most_at_once = max(outer.most_at_once, outer._under_way)
                try:
                    reply = outer.script(number, body)
                    time.sleep(reply.delay_s)
                finally:
                    with outer._lock:
                        outer._under_way -= 1
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                try:
                    self.send_response(reply.status)
                    for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body[: len(body) // 2] if reply.cut else body)
                    self.wfile.flush()
                except OSError:  # the client has gone
                    self.close_connection = True
                if reply.cut:
                    _drop(self.connection)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def _drop(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
