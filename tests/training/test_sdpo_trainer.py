"""The trainer of SDPO: who teaches whom, and the loss by hand."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.training.group_reward import GroupReward
from slmr.training.sdpo import SdpoParams, _trainer
from slmr.training.trainer import Run
from tests.training.test_sdpo import stage_context

TOKENIZER = load_tokenizer(model_path("lab-llama"))


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
