"""The trainer of OPSD: who reads what, and the divergence against one worked out row by row."""

from __future__ import annotations

import math
from typing import Any

import torch

from slmr.engines.scoring import IGNORED
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.training.opsd import PrivilegedCollator, privileged_examples
from slmr.training.opsd_trainer import SelfDistiller, completion_logits, teacher_inputs

TOKENIZER = load_tokenizer(model_path("lab-llama"))
TRACES: list[Any] = [
    {"problem_id": n, "prompt": f"{n} is?", "prefix": "", "completion": f"{n} = 2. #### 2", "source": "raw"}
    for n in ("1 + 1", "4 - 1 - 1")
]


def batch() -> dict[str, torch.Tensor]:
    return PrivilegedCollator(TOKENIZER.pad_token_id)(privileged_examples(TOKENIZER, TRACES, 99))  # type: ignore[arg-type]


def test_the_teacher_alone_reads_the_solution() -> None:
    inputs = batch()
    ids, mask, labels = teacher_inputs(inputs, TOKENIZER.pad_token_id)  # type: ignore[arg-type]
    for i, trace in enumerate(TRACES):
        student = TOKENIZER.decode(inputs["input_ids"][i][inputs["attention_mask"][i].bool()])
        teacher = TOKENIZER.decode(ids[i][mask[i].bool()])
        assert student.count(trace["completion"]) == 1 and teacher.count(trace["completion"]) == 2
        assert teacher.endswith(student)  # the same completion after the same end of the prompt
        assert labels[i][labels[i] != IGNORED].tolist() == inputs["labels"][i][inputs["labels"][i] != IGNORED].tolist()


def test_the_divergence_is_token_by_token_of_the_same_completion() -> None:
    """Jensen-Shannon's, half-way, each row by itself and without padding."""
    student, teacher = load_model(model_path("lab-llama")).eval(), load_model(model_path("lab-qwen")).eval()
    inputs, total, count = batch(), 0.0, 0
    privileged = teacher_inputs(inputs, TOKENIZER.pad_token_id)  # type: ignore[arg-type]
    with torch.no_grad():
        s = completion_logits(student, inputs["input_ids"], inputs["attention_mask"], inputs["labels"])
        t = completion_logits(teacher, *privileged)
        found = SelfDistiller.generalized_jsd_loss(s, t, beta=0.5)  # type: ignore[attr-defined]
        for row in privileged_examples(TOKENIZER, TRACES, 99):
            start = row["completion_mask"].index(1)
            tail = row["input_ids"][start:]
            p = student(torch.tensor([row["input_ids"]])).logits[0, start - 1 : -1].softmax(-1)
            q = teacher(torch.tensor([row["privileged"] + tail])).logits[0, -len(tail) - 1 : -1].softmax(-1)
            m = (p + q) / 2
            total += float((0.5 * p * (p / m).log() + 0.5 * q * (q / m).log()).sum())
            count += len(tail)
    assert len(s) == len(t) == count
    assert math.isclose(float(found), total / count, rel_tol=1e-4)
