"""The client of a vLLM server that takes over weights, against a server of the standard library that plays its part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from slmr.config import EngineSettings
from slmr.engines import Sampling
from slmr.engines.decode import Generation
from slmr.engines.vllm_policy import EXTENSION
from slmr.engines.vllm_server import VllmServer
from slmr.errors import RequestError, WorkError


class Vllm(ThreadingHTTPServer):
    """Says what vLLM 0.32 says; draws the row's seed and the length of its prompt as tokens."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.extension, self.busy, self.status = EXTENSION, False, 200
        self.weights, self.asked = "", list[tuple[str, Any]]()

    def settings(self, **other: Any) -> EngineSettings:
        return EngineSettings(rollouts=f"http://127.0.0.1:{self.server_port}", **{"dtype": "bfloat16", **other})

    def answer(self, path: str, body: Any) -> Any:
        if path == "/v1/completions":
            ids = [body["seed"] % 100, len(body["prompt"])]
            return {"choices": [{"token_ids": ids, "logprobs": {"token_logprobs": [-0.5, -1.5]}}]}
        if path == "/update_weight_version":
            self.weights = body["new_version"]
        config = {
            "parallel_config": {"worker_extension_cls": self.extension},
            "model_config": {"logprobs_mode": "processed_logprobs", "dtype": "torch.bfloat16"},
        }
        return {
            "/server_info": {"vllm_config": config},
            "/v1/models": {"data": [{"id": "policy"}]},
            "/version": {"version": "0.32.0"},
            "/reset_prefix_cache": {"success": not self.busy},
            "/weight_info": {"weight_version": self.weights},
        }.get(path, {})


class Handler(BaseHTTPRequestHandler):
    server: Vllm

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        path = self.path.split("?")[0]
        self.server.asked.append((path, body))
        content = json.dumps(self.server.answer(path, body)).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vllm() -> Iterator[Vllm]:
    with Vllm() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_weights_are_loaded_from_a_folder_and_rows_filled(vllm: Vllm, tmp_path: Path) -> None:
    server = VllmServer(vllm.settings())
    server.load(tmp_path)
    order = next(body for path, body in vllm.asked if path == "/collective_rpc")
    assert order == {"method": "load_policy", "kwargs": {"folder": str(tmp_path.resolve())}}
    rows = [Generation(i, (1,) * (i + 1), 40 + i) for i in range(5)]
    server.fill(rows, Sampling(0.7, 16, 0), {2, 0})
    assert [row.ids for row in rows] == [[40 + i, i + 1] for i in range(5)]
    assert all(row.logprobs == [-0.5, -1.5] for row in rows) and server.version == "0.32.0"
    asked = [body for path, body in vllm.asked if path == "/v1/completions"]
    assert all(
        (b["stop_token_ids"], b["top_k"], b["top_p"], b["temperature"], b["max_tokens"]) == ([0, 2], -1, 1.0, 0.7, 16)
        for b in asked
    )
    server.close()


def test_a_server_that_was_started_otherwise_says_how(vllm: Vllm) -> None:
    vllm.extension = ""
    with pytest.raises(RequestError, match=f"started with --worker-extension-cls {EXTENSION}$"):
        VllmServer(vllm.settings())
    vllm.extension = EXTENSION
    with pytest.raises(RequestError, match=r"started with --dtype float32$"):
        VllmServer(vllm.settings(dtype="float32"))
    with pytest.raises(RequestError, match="policy"):
        VllmServer(vllm.settings(served_name="polcy"))


def test_two_runs_on_one_server_are_refused(vllm: Vllm, tmp_path: Path) -> None:
    server = VllmServer(vllm.settings())
    server.load(tmp_path)
    vllm.weights = "another run's"
    with pytest.raises(WorkError, match="another run loaded its weights into"):
        server.fill([Generation(0, (1,), 1)], Sampling(1.0, 4, 0), {2})
    vllm.busy = True
    with pytest.raises(WorkError, match="one run at a time"):
        server.load(tmp_path)


@pytest.mark.parametrize(("status", "fault"), [(404, RequestError), (500, WorkError)])
def test_a_server_without_the_routes_or_at_fault_is_named(vllm: Vllm, status: int, fault: type[Exception]) -> None:
    vllm.status = status
    with pytest.raises(fault, match="server_info"):
        VllmServer(vllm.settings())


def test_no_server_at_all_is_named() -> None:
    with pytest.raises(WorkError, match=r"127\.0\.0\.1:9"):
        VllmServer(EngineSettings(rollouts="http://127.0.0.1:9"))
