"""On-policy distillation: what it learns from, what it costs, what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.engines.transformers import load_tokenizer
from slmr.errors import RequestError
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.training.gkd import Collator, GkdParams, gkd_stage
from slmr.training.sft import tokenize
from tests.curriculum.common import context, folder, problems

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def traces(n: int) -> list[dict[str, Any]]:
    return [
        {
            "problem_id": p["id"],
            "prompt": p["prompt"],
            "prefix": "",
            "completion": f"#### {p['gold']}",
            "source": "raw",
        }
        for p in problems(n)
    ]


def test_a_batch_has_labels_on_completions_and_the_prompts_apart() -> None:
    rows = tokenize(
        TOKENIZER,
        [
            {"prompt": "1 + 1?", "prefix": "", "completion": "#### 2"},
            {"prompt": "1 + 1 + 1 is?", "prefix": "", "completion": "#### 3"},
        ],
        99,
    )
    batch = Collator(TOKENIZER.pad_token_id)(rows)  # type: ignore[arg-type]
    for i, row in enumerate(rows):
        size, head = len(row["input_ids"]), row["completion_mask"].index(1)
        assert batch["input_ids"][i, :size].tolist() == row["input_ids"]
        assert batch["attention_mask"][i].sum() == size
        assert batch["labels"][i, :head].eq(-100).all() and batch["labels"][i, size:].eq(-100).all()
        assert batch["labels"][i, head:size].tolist() == row["input_ids"][head:]
        kept = batch["prompts"][i][batch["prompt_attention_mask"][i].bool()]
        assert kept.tolist() == row["input_ids"][:head]


@pytest.mark.parametrize("on_policy", [0.0, 1.0])
def test_distillation_brings_the_student_to_the_teacher(on_policy: float, tmp_path: Path) -> None:
    rows = traces(16)
    made = context(tmp_path / "out", traces=folder(tmp_path / "raw", traces=rows), model=model_path("lab-qwen"))
    params = GkdParams(
        teacher_model="lab-llama",
        on_policy=on_policy,
        epochs=6,
        batch_size=8,
        learning_rate=1e-3,
        max_tokens=24,
    )
    gkd_stage(made, params)
    losses = [row["loss"] for row in read_rows(made.folder / "curve.parquet") if row["loss"] is not None]
    assert len(losses) == 12 and losses[-1] < losses[0]
    assert bool(made.cost.rollout_tokens) == bool(on_policy)
    assert made.cost.teacher_tokens == made.cost.train_tokens > 0


def test_a_teacher_of_another_vocabulary_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="set teacher_model"):
        GkdParams().identified()
    with pytest.raises(RequestError, match="does not give its whole distribution"):
        GkdParams(teacher_model="http://127.0.0.1:9/v1").identified()
    assert GkdParams(teacher_model="lab-llama").identified().teacher_key
