"""HPT: SFT's loss exactly where the gate says, and its weight beside Dr. GRPO's by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines.scoring import next_token_nll
from slmr.engines.transformers import load_tokenizer
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.group_reward import GroupReward
from slmr.training.hpt import (
    GatedRollouts,
    HptParams,
    hpt_stage,
    hybrid_advantages,
    share_right,
    trainer_class,
)
from slmr.verify import verify_batch
from tests.curriculum.common import folder, problems
from tests.training.toy import Scripted, real_trainer, rolled

TOKENIZER = load_tokenizer(model_path("lab-llama"))
DR_GRPO: dict[str, Any] = {"loss": "dr_grpo", "scale_rewards": "none"}


class ScriptedGate(Scripted, GatedRollouts):
    pass


def asked(**says: str) -> list[dict[str, Any]]:
    return [
        {"id": name, "prompt": f"{name}?", "gold": "1", "kind": "numeric", "says": [group]}
        for name, group in says.items()
    ]


@pytest.mark.parametrize(
    ("gate", "switched"), [(0.0, {"none"}), (0.25, {"none", "one"}), (0.5, {"none", "one", "two"})]
)
def test_the_gate_chooses_the_loss_of_each_problem(gate: float, switched: set[str]) -> None:
    pool = asked(none="wwww", one="rwww", two="rrww", all="rrrr", untaught="wwww")
    traces = {p["id"]: "1 + 0 = 1. #### 1" for p in pool if p["id"] != "untaught"}
    params = HptParams(group_size=4, gate=gate)
    rollouts = ScriptedGate(pool, params, GroupReward(4), 0, traces=traces)
    found = rolled(rollouts, pool, 4)
    taught = {name for name, t in zip(found["problem_id"], found["taught"], strict=True) if t}
    assert taught == switched and rollouts.replaced == len(switched)
    for i, t in enumerate(found["taught"]):
        text = TOKENIZER.decode(found["completion_ids"][i])
        assert (text == "1 + 0 = 1. #### 1<eos>") == t
        assert not t or i % 4 == 3


def test_an_abstention_is_no_failure() -> None:
    verdicts = verify_batch(["#### 1", "#### 2"], ["1", "1"], "numeric")
    assert share_right(verdicts) == 0.5
    assert share_right(verify_batch(["#### 1"], ["no number"], "numeric")) is None


def test_the_weights_by_hand() -> None:
    """Two groups of two at max_tokens 10: the first is RL's; the second has a demonstration of 4 tokens."""
    mask = torch.tensor([[1] * 3 + [0] * 2, [1] * 5, [1] * 2 + [0] * 3, [1] * 4 + [0]])
    taught = torch.tensor([False, False, False, True])
    found = hybrid_advantages(torch.tensor([0.5, -0.5, -0.5, 0.5]), mask, taught, 2, 10)
    assert found.tolist() == [0.5, -0.5, 0.0, 2 * 10 / 4]


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_gradient_is_sfts_where_all_fail_and_dr_grpos_elsewhere(weight: float, tmp_path: Path) -> None:
    """The mean over two problems: -mean log p of the demonstration for one, Dr. GRPO's loss for the other."""
    trainer = real_trainer(tmp_path, lambda: trainer_class(2, weight), prompts_per_step=2, **DR_GRPO)
    head = TOKENIZER("1 + 1?")["input_ids"]
    rest = [
        TOKENIZER(t, add_special_tokens=False)["input_ids"] + [TOKENIZER.eos_token_id]  # type: ignore[operator]
        for t in ("#### 2", "#### 3", "#### 4", "1 + 1 = 2")
    ]
    trainer.rollout_func = lambda prompts, _: {
        "prompt_ids": [head] * 4,
        "completion_ids": rest,
        "logprobs": [[-1.0] * len(r) for r in rest],
        "taught": [False, False, False, True],
    }
    trainer.reward_funcs = [lambda **_: [1.0, 0.0, 0.0, 1.0]]
    inputs = trainer._generate_and_score_completions([{"prompt": "1 + 1?"} for _ in range(4)])
    assert inputs["advantages"][:3].tolist() == [0.5, -0.5, 0.0]
    trainer._compute_loss(trainer.model, inputs).backward()
    found = {name: p.grad.clone() for name, p in trainer.model.named_parameters()}

    trainer.model.zero_grad()
    nlls = []
    for row in rest:
        ids = torch.tensor([head + row])
        nlls.append(next_token_nll(trainer.model, ids, ids)[0, len(head) - 1 :])
    # The ratio is 1 and its gradient that of log p; Dr. GRPO's constant is 10 tokens, over two completions.
    policy = (0.5 * nlls[0].sum() - 0.5 * nlls[1].sum()) / (2 * 10)
    ((policy + weight * nlls[3].mean()) / 2).backward()
    for name, p in trainer.model.named_parameters():
        assert torch.allclose(found[name], p.grad, rtol=1e-3, atol=1e-6), name


def test_hpt_is_on_policy_dr_grpo() -> None:
    for wrong in ({"loss": "grpo"}, {"updates": 2}, {"beta": 0.1}):
        with pytest.raises(ValueError, match="needs loss = dr_grpo"):
            HptParams(**wrong)


def test_the_stage_runs(tmp_path: Path) -> None:
    pool = problems(6, level=3)
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
    place = folder(tmp_path / "pool", problems=pool, traces=traces)
    context = StageContext(
        tmp_path / "out",
        {"model": [model_path("lab-llama")], "problems": [place], "traces": [place]},
        0,
        EngineSettings(device="cpu"),
        lambda *_: None,
    )
    context.folder.mkdir()
    hpt_stage(context, HptParams(steps=2, group_size=4, prompts_per_step=3, max_tokens=60, gate=0.75))
    curve = read_rows(context.folder / "curve.parquet")
    assert [row["replaced"] for row in curve][-1] == context.stats["replaced"] > 0
    assert all(0 <= row["logprob_gap"] < 1e-4 for row in curve)
    assert context.cost.train_tokens and context.cost.rollout_tokens
