"""Rewards over HTTP, for trainers in other processes or other languages: `slmr serve-reward`.

GET  /health    the task, the checker's version, and the payment
POST /reward    {"completions": [...], "gold": [...]} → {"rewards": [1.0, null, ...], "verdicts": [{...}, ...]}
POST /openrlhf  what OpenRLHF sends: {"query": [...], "prompts": [...], "labels": [...]} → rewards, scores, extra_logs
POST /slime     what slime sends: {"prompt": ..., "response": ..., "label": ...} → the reward, a number

There is no authentication: it listens on the loopback interface unless told otherwise.
"""

from __future__ import annotations

import json
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple

from slmr.errors import RequestError, one_line
from slmr.rewards.grader import Grader
from slmr.rewards.payment import measures
from slmr.verify import Verdict, checker_version

MAX_BODY = 32 << 20  # bytes of a request
MAX_DRAINED = 16 * MAX_BODY  # of a larger request: read and dropped, so that its sender gets the error
CLIENT_TIMEOUT = 60.0  # seconds that a client may take to send the next part of its request


class Batch(NamedTuple):
    """The completions and gold answers of a request."""

    completions: Sequence[Any]
    golds: Sequence[Any]


class RewardServer(ThreadingHTTPServer):
    """Serves one grader's rewards, one thread per request. Closing it waits for open requests.

    Raises:
        RequestError: the address is in use, or does not belong to this machine.
    """

    request_queue_size = 1024  # a trainer may send a whole batch of rollouts at once
    daemon_threads = False

    def __init__(self, grader: Grader, host: str, port: int) -> None:
        self.grader = grader
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise RequestError(f"cannot listen on {host}, port {port}: {one_line(error)}") from None

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's version would make a DNS query
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # the client has disconnected: nothing to report
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: RewardServer  # type: ignore[assignment]
    timeout = CLIENT_TIMEOUT
    server_version = "slmr"

    def do_GET(self) -> None:
        if self.path.split("?")[0] not in ("/", "/health"):
            return self._refuse_path()
        grader = self.server.grader
        self._reply(
            200,
            {
                "status": "ok",
                "task": grader.task,
                "kind": grader.kind,
                "checker": checker_version(grader.kind),
                "gold": grader.gold,
                "form": grader.payment.form,
                "lenient_weight": grader.payment.lenient_weight,
            },
        )

    def do_POST(self) -> None:
        if (route := ROUTES.get(self.path.split("?")[0])) is None:
            return self._refuse_path()
        if (body := self._body()) is None:
            return
        read, write = route
        grader = self.server.grader
        try:
            batch = read(_mapping(body), grader)
        except RequestError as error:
            return self._reply(400, {"error": str(error)})
        try:
            verdicts = grader.judge(batch.completions, batch.golds)
        except Exception:
            traceback.print_exc()
            return self._reply(500, {"error": "internal error of the service; see its output"})
        self._reply(200, write(verdicts, grader))

    def _body(self) -> bytes | None:
        """The request's body; None, after an error reply, if it has no length or is too long."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._reply(411, {"error": "a request needs a Content-Length"})
        if int(length) > MAX_BODY:
            rest = min(int(length), MAX_DRAINED)
            while rest > 0 and (read := len(self.rfile.read(min(rest, 1 << 20)))):
                rest -= read
            return self._reply(413, {"error": f"a request may have {MAX_BODY} bytes: send smaller batches"})
        return self.rfile.read(int(length))

    def _refuse_path(self) -> None:
        self._reply(404, {"error": f"no such path; there are GET /health and POST {', '.join(ROUTES)}"})

    def _reply(self, code: int, content: object) -> None:
        text = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self._reply(code, {"error": message or self.responses[code][0]})  # JSON instead of an HTML page

    def log_message(self, format: str, *args: Any) -> None:
        """Does nothing: a line per request would flood the terminal."""


# --- requests and responses ----------------------------------------------------------------------


def _mapping(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"not JSON: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise RequestError("it should be a JSON object")
    return content


def _field(body: dict[str, Any], name: str) -> Any:
    if name not in body:
        raise RequestError(f"'{name}' is missing; there are: {', '.join(sorted(body)) or 'none'}")
    return body[name]


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = _field(body, name)
    if not isinstance(value, list):
        raise RequestError(f"'{name}' should be a list")
    return value


def _batch(completions: list[Any], golds: list[Any]) -> Batch:
    """Checks and returns the batch.

    Raises:
        RequestError: the lists differ in length, or contain something that is no completion or gold answer.
    """
    if len(completions) != len(golds):
        raise RequestError(f"{len(completions)} completions, but {len(golds)} golds")
    for i, (completion, gold) in enumerate(zip(completions, golds, strict=True)):
        if not _is_completion(completion):
            raise RequestError(f"completion {i} should be a text, a message or a list of messages")
        if not isinstance(gold, str | int | float | None):
            raise RequestError(f"gold {i} should be a text or a number")
    return Batch(completions, golds)


def _is_completion(completion: object) -> bool:
    if isinstance(completion, list):
        return all(_is_message(message) for message in completion)
    return completion is None or isinstance(completion, str) or _is_message(completion)


def _is_message(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return isinstance(content, str | list | None) and all(
        isinstance(part, str) or (isinstance(part, dict) and isinstance(part.get("text"), str | None)) for part in parts
    )


def _read(body: dict[str, Any], grader: Grader) -> Batch:
    return _batch(_list(body, "completions"), _list(body, grader.gold))


def _write(verdicts: Sequence[Verdict], grader: Grader) -> object:
    fields = ("status", "strict", "lenient", "abstained", "extracted", "reason")
    return {
        "rewards": [grader.payment.reward(verdict) for verdict in verdicts],
        "verdicts": [{name: getattr(verdict, name) for name in fields} for verdict in verdicts],
    }


def _read_openrlhf(body: dict[str, Any], grader: Grader) -> Batch:
    """Each query is its prompt, which may itself contain an answer, followed by the completion."""
    queries, prompts = _list(body, "query"), _list(body, "prompts")
    if len(queries) != len(prompts) or not all(isinstance(text, str) for text in (*queries, *prompts)):
        raise RequestError("'query' and 'prompts' should be lists of texts with the same length")
    completions = []
    for i, (query, prompt) in enumerate(zip(queries, prompts, strict=True)):
        _, separator, completion = query.partition(prompt)
        if not separator:
            raise RequestError(f"query {i} does not contain its prompt, so its completion cannot be separated")
        completions.append(completion)
    return _batch(completions, _list(body, "labels"))


def _write_openrlhf(verdicts: Sequence[Verdict], grader: Grader) -> object:
    """OpenRLHF has no abstentions: they get 0.0, and `abstained` in the log."""
    rewards = [grader.payment.reward(verdict) or 0.0 for verdict in verdicts]
    rows = [measures(verdict) for verdict in verdicts]
    logs = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return {"rewards": rewards, "scores": rewards, "extra_logs": logs}


def _read_slime(body: dict[str, Any], grader: Grader) -> Batch:
    return _batch([_field(body, "response")], [_field(body, "label")])


def _write_slime(verdicts: Sequence[Verdict], grader: Grader) -> object:
    return grader.payment.reward(verdicts[0]) or 0.0


ROUTES: dict[
    str,
    tuple[Callable[[dict[str, Any], Grader], Batch], Callable[[Sequence[Verdict], Grader], object]],
] = {
    "/reward": (_read, _write),
    "/openrlhf": (_read_openrlhf, _write_openrlhf),
    "/slime": (_read_slime, _write_slime),
}
