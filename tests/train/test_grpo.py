"""The reward that GRPO is given, and TRL's GRPO loss against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import student_path
from slmr.stage import EngineSettings, StageContext
from slmr.train.curve import CURVE, Curve
from slmr.train.grpo import GrpoParams, _trainer
from slmr.train.rollouts import GroupReward, Rollouts


def test_groups_failures_and_abstentions() -> None:
    reward = GroupReward(2)
    paid = reward(
        completions=["#### 4", "#### 5", "#### 1", "#### 2", "#### 3", "#### 3", "#### 9", "#### 9"],
        gold=["4", "4", "7", "7", "3", "3", "not a number", "not a number"],
        kind=["numeric"] * 8,
        problem_id=["a", "a", "b", "b", "c", "c", "d", "d"],
    )
    assert paid == [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, None, None]
    assert [f["problem_id"] for f in reward.failures] == ["b", "b"]
    assert reward.groups == {"mixed": 1, "all wrong": 1, "all right": 1, "abstained": 1}
    assert reward.statuses["malformed_gold"] == 2


def test_chat_completions_are_read() -> None:
    reward = GroupReward(2)
    chat = [[{"role": "assistant", "content": "#### 4"}], [{"role": "assistant", "content": "4"}]]
    assert reward(completions=chat, gold=["4", "4"], kind=["numeric"] * 2, problem_id=["a", "a"]) == [
        1.0,
        0.0,
    ]


@pytest.mark.parametrize("advantage", [1.5, -0.5])
def test_grpo_loss_of_one_step_by_hand(advantage: float, tmp_path: Path) -> None:
    """2402.03300, eq. 3 without KL: mean over completions of the token mean of min(r A, clip(r) A)."""
    import torch

    new = torch.log(torch.tensor([[0.5, 0.4], [0.9, 0.3]]))
    old = torch.log(torch.tensor([[0.4, 0.4], [0.5, 0.6]]))
    mask = torch.tensor([[1, 1], [1, 0]])
    ratio = [[0.5 / 0.4, 1.0], [0.9 / 0.5, 0.5]]

    def term(r: float) -> float:
        return -min(r * advantage, min(max(r, 0.8), 1.2) * advantage)

    by_hand = ((term(ratio[0][0]) + term(ratio[0][1])) / 2 + term(ratio[1][0])) / 2
    trainer = real_trainer(tmp_path)
    trainer._get_per_token_logps_and_entropies = lambda *_, **__: (new, torch.zeros_like(new), None)
    trainer.current_gradient_accumulation_steps = 1
    inputs = {
        "prompt_ids": torch.ones(2, 1, dtype=torch.long), "prompt_mask": torch.ones(2, 1, dtype=torch.long),
        "completion_ids": torch.ones(2, 2, dtype=torch.long), "completion_mask": mask,
        "advantages": torch.full((2,), advantage), "old_per_token_logps": old,
        "num_items_in_batch": torch.tensor(3),
    }  # fmt: skip
    loss = trainer._compute_loss(trainer.model.train(), inputs)
    assert math.isclose(loss.item(), by_hand, rel_tol=1e-5)


def real_trainer(folder: Path) -> Any:
    """TRL's trainer with the settings of our GRPO stage."""
    source = student_path("lab-llama")
    problem = {"id": "p", "prompt": "1 + 1?", "gold": "2", "kind": "numeric"}
    context = StageContext(folder, {}, 0, EngineSettings(device="cpu"), lambda *_: None)
    params = GrpoParams(steps=1, group_size=2, prompts_per_step=1)
    reward = GroupReward(2)
    rollouts = Rollouts([problem], params, reward, 0)
    model, tokenizer = load_model(source), load_tokenizer(source)
    return _trainer(model, tokenizer, [problem], rollouts, reward, params, Curve(), context)


def test_the_samplers_logprobs_are_the_trainers(tmp_path: Path) -> None:
    """Before and after updates, at another temperature than 1: what samples is what is trained."""
    from slmr.store import read_rows, write_rows
    from slmr.tasks import load_task
    from slmr.train.grpo import PROBLEMS, grpo_stage

    task = load_task("lab_gsm8k")
    rows = [
        {"id": item.id, "prompt": task.prompt(item.problem), "gold": item.gold, "kind": task.kind}
        for item in task.items("train", 16)
    ]
    (tmp_path / "pool").mkdir()
    (tmp_path / "out").mkdir()
    write_rows(tmp_path / "pool" / PROBLEMS, rows)
    context = StageContext(
        tmp_path / "out", {"model": [student_path("lab-llama")], "problems": [tmp_path / "pool"]}, 0,
        EngineSettings(device="cpu"), lambda *_: None,
    )  # fmt: skip
    grpo_stage(context, GrpoParams(steps=3, group_size=4, prompts_per_step=4, temperature=0.8, max_tokens=40))
    gaps = [row["logprob_gap"] for row in read_rows(tmp_path / "out" / CURVE)]
    assert len(gaps) == 3 and all(0 <= gap < 1e-4 for gap in gaps)
