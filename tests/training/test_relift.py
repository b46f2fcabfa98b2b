"""ReLIFT: the buffer, its loss, and that the three stages that a teacher helps run as a whole."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from slmr.config import EngineSettings
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.bread import BreadParams
from slmr.training.group_reward import GroupReward
from slmr.training.luffy import LuffyParams
from slmr.training.relift import interleaved_sft, mean_nll
from slmr.training.sft import tokenize

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def example(prompt: str, completion: str) -> dict[str, list[int]]:
    return tokenize(TOKENIZER, [{"prompt": prompt, "prefix": "", "completion": completion}], 99)[0]


def test_the_buffer_trains_once_it_is_full() -> None:
    model = load_model(model_path("lab-llama"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    examples = {name: example(f"{name} + 1?", "#### 1") for name in ("1", "2", "3")}
    reward = GroupReward(2)
    part: Any = interleaved_sft(examples, reward, 2, TOKENIZER.pad_token_id)  # type: ignore[arg-type]
    state, args = SimpleNamespace(global_step=1), SimpleNamespace(max_grad_norm=1.0)
    rows = [example("1 + 1?", "#### 1"), example("2 + 1?", "#### 1")]
    before = float(mean_nll(model, rows, 0))

    def step(*unsolved: str) -> None:
        reward.unsolved = list(unsolved)
        part.on_step_end(args, state, None, model=model, optimizer=optimizer)

    step("1", "1", "x")  # no trace for x, and no problem twice
    assert (part.waiting, part.updates) == (["1"], 0)
    assert float(mean_nll(model, rows, 0)) == before
    step("2", "3")
    assert (part.waiting, part.updates) == (["3"], 1)
    assert part.trained == sum(len(row["input_ids"]) for row in rows)
    assert float(mean_nll(model, rows, 0)) < before
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
    again: Any = interleaved_sft(examples, reward, 2, 0)
    again.restore(part.state())
    assert again.state() == part.state()


def test_sft_has_a_learning_rate_of_its_own() -> None:
    rows = {"1": example("1 + 1?", "#### 1")}
    moved = {}
    for rate in (None, 0.5, 2.0):
        model = load_model(model_path("lab-llama"))
        before = [p.detach().clone() for p in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        reward = GroupReward(2)
        part: Any = interleaved_sft(rows, reward, 1, TOKENIZER.pad_token_id, rate)  # type: ignore[arg-type]
        reward.unsolved = ["1"]
        part.on_step_end(SimpleNamespace(max_grad_norm=1.0), None, None, model=model, optimizer=optimizer)
        moved[rate] = sum(float((p - q).norm() ** 2) for p, q in zip(model.parameters(), before, strict=True)) ** 0.5
        assert optimizer.param_groups[0]["lr"] == 1.0, "RL goes on at its own"
    assert math.isclose(moved[0.5], moved[None] / 2, rel_tol=1e-3)
    assert math.isclose(moved[2.0], moved[None] * 2, rel_tol=1e-3)


def test_the_interleaved_loss_is_that_of_the_completions_alone() -> None:
    model = load_model(model_path("lab-llama")).eval()
    rows = [example("1 + 1?", "#### 2"), example("3 + 4 is what?", "The sum is 7 .\n#### 7")]
    with torch.no_grad():
        total, count = 0.0, 0
        for row in rows:  # one by one, without padding
            ids = torch.tensor([row["input_ids"]])
            logps = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
            wanted = [i for i, m in enumerate(row["completion_mask"]) if m]
            total -= sum(float(logps[i - 1, row["input_ids"][i]]) for i in wanted)
            count += len(wanted)
        assert math.isclose(float(mean_nll(model, rows, 0)), total / count, rel_tol=1e-5)


def test_the_stages_run(tmp_path: Path) -> None:
    """Each of the three for two steps, with everything around it."""
    from slmr.curriculum.schema import PROBLEMS
    from slmr.io import read_rows, write_rows
    from slmr.training.bread import bread_stage
    from slmr.training.luffy import luffy_stage
    from slmr.training.relift import ReliftParams, relift_stage
    from tests.curriculum.common import problems

    pool = problems(6, level=3)
    (tmp_path / "pool").mkdir()
    write_rows(tmp_path / "pool" / PROBLEMS, pool)
    traces = [
        {
            "problem_id": p["id"],
            "prompt": p["prompt"],
            "prefix": "",
            "completion": f"#### {p['gold']}",
            "source": "raw",
        }
        for p in pool
    ]
    write_rows(tmp_path / "pool" / "traces.parquet", traces)
    common: dict[str, Any] = {"steps": 2, "group_size": 4, "prompts_per_step": 3, "max_tokens": 60}
    for stage, params in (
        (luffy_stage, LuffyParams(**common)),
        (bread_stage, BreadParams(**common)),
        (relift_stage, ReliftParams(**common, buffer=1)),
    ):
        context = StageContext(
            tmp_path / stage.__name__,
            {
                "model": [model_path("lab-llama")],
                "problems": [tmp_path / "pool"],
                "traces": [tmp_path / "pool"],
            },
            0,
            EngineSettings(device="cpu"),
            lambda *_: None,
        )
        context.folder.mkdir()
        stage(context, params)
        curve = read_rows(context.folder / "curve.parquet")
        assert len(curve) == 2 and all(0 <= row["logprob_gap"] < 1e-4 for row in curve)
        assert (context.folder / "model" / "model.safetensors").is_file()
        assert context.cost.train_tokens and context.cost.rollout_tokens
        if stage is relift_stage:
            assert context.stats["sft_updates"] and context.stats["sft_tokens"] < context.cost.train_tokens
        if stage is luffy_stage:
            assert sum(context.stats["groups"].values()) == 6 and context.stats["problems_with_trace"] == 6
