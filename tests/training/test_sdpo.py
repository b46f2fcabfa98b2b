"""SDPO: who teaches whom, the loss by hand, and that the stage runs."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.group_reward import GroupReward
from slmr.training.sdpo import SdpoParams, _trainer, sdpo_classes, sdpo_stage
from slmr.training.trainer import Run
from tests.curriculum.common import folder, problems

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def stage_context(place: Path, pool: Path) -> StageContext:
    place.mkdir(parents=True, exist_ok=True)
    return StageContext(
        place,
        {"model": [model_path("lab-llama")], "problems": [pool]},
        0,
        EngineSettings(device="cpu"),
        lambda *_: None,
    )


def test_a_right_completion_of_the_group_is_what_the_teacher_reads(tmp_path: Path) -> None:
    """Of two right ones each has the other; where all are wrong, nobody is taught."""
    context = stage_context(tmp_path / "out", tmp_path)
    row = {"prompt": "1 + 1?", "gold": "2", "kind": "numeric", "problem_id": "p"}
    params = SdpoParams(steps=1, group_size=3, prompts_per_step=2, max_tokens=9)
    trainer = _trainer(Run(context), [row] * 2, GroupReward(3), params, context)
    says = ["1 + 1 = 2. #### 2", "#### 2", "#### 3", "#### 4", "#### 5", "#### 6"]
    ids = [TOKENIZER(text, add_special_tokens=False)["input_ids"] + [TOKENIZER.eos_token_id] for text in says]  # type: ignore[operator]
    trainer._generate = lambda prompts: (prompts, ids)
    trainer.model.train()
    batch = trainer._prepare_training_batch([row] * 6)
    assert batch["self_distillation_mask"].tolist() == [1, 1, 1, 0, 0, 0]
    reads = [
        TOKENIZER.decode(line[mask.bool()]).removesuffix(said + "<eos>")
        for line, mask, said in zip(batch["teacher_input_ids"], batch["teacher_attention_mask"], says, strict=True)
    ]
    assert [says[0] in text for text in reads] == [False, True, True, False, False, False]
    assert says[1] in reads[0] and "1 + 1?" in reads[3]

    trainer.current_gradient_accumulation_steps = 1
    found, total = float(trainer.compute_loss(trainer.model, batch)), 0.0
    model = load_model(model_path("lab-llama")).eval()
    head = TOKENIZER("1 + 1?")["input_ids"]
    for i in range(3):  # the mean over all six of the means over tokens of KL(student || teacher)
        before = TOKENIZER(reads[i])["input_ids"]
        with torch.no_grad():
            p, q = (
                model(torch.tensor([start + ids[i]])).logits[0, len(start) - 1 : -1].log_softmax(-1)  # type: ignore[operator]
                for start in (head, before)
            )
        total += float((p.exp() * (p - q)).sum(-1).mean())
    assert math.isclose(found, total / 6, rel_tol=1e-3)


def test_the_stage_runs(tmp_path: Path) -> None:
    pool = folder(tmp_path / "pool", problems=problems(6, level=1))
    context = stage_context(tmp_path / "out", pool)
    sdpo_stage(context, SdpoParams(steps=2, group_size=4, prompts_per_step=3, max_tokens=24))
    curve = read_rows(context.folder / "curve.parquet")
    assert len(curve) == 2 and all(math.isfinite(row["loss"]) and 0 <= row["accuracy"] <= 1 for row in curve)
    assert (context.folder / "model" / "model.safetensors").is_file()
    assert context.cost.train_tokens == curve[-1]["train_tokens"] > context.cost.rollout_tokens > 0
    assert sum(context.stats["groups"].values()) == 6


def test_a_trl_without_sdpo_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trl.experimental.sdpo", None)
    with pytest.raises(RequestError, match="has no SDPO"):
        sdpo_classes()
