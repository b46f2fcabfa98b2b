"""The trainer of OPSD: the teacher reads each completion after a prompt of its own, which has the solution."""

from __future__ import annotations

from typing import Any

import torch

from slmr.engines.scoring import IGNORED, padded, padded_with_mask
from slmr.training.gkd_trainer import Distiller


class SelfDistiller(Distiller):
    """As for GKD, but the teacher has its own prompts: compares the same token of a completion after both prompts."""

    def divergence(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        ids, mask, labels = teacher_inputs(inputs, self.processing_class.pad_token_id)
        self.spent.scored += int(mask.sum())
        with torch.no_grad():
            teacher = completion_logits(self.teacher_model.eval(), ids, mask, labels)
        student = completion_logits(model, inputs["input_ids"], inputs["attention_mask"], inputs["labels"])
        return self.generalized_jsd_loss(student, teacher, beta=self.beta)


def teacher_inputs(inputs: dict[str, torch.Tensor], pad: int) -> tuple[torch.Tensor, ...]:
    """Ids, attention mask and labels [B, W] of the student's completions after the teacher's prompts."""
    device = inputs["input_ids"].device
    heads = [
        row[kept.bool()].tolist() for row, kept in zip(inputs["privileged"], inputs["privileged_mask"], strict=True)
    ]
    tails = [row[row != IGNORED].tolist() for row in inputs["labels"]]
    rows = list(zip(heads, tails, strict=True))
    ids, mask = padded_with_mask([head + tail for head, tail in rows], pad)
    labels = padded([[IGNORED] * len(head) + tail for head, tail in rows], IGNORED)
    return ids.to(device), mask.to(device), labels.to(device)


def completion_logits(model: Any, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The logits [N, V] of every token with a label, row by row."""
    return model(input_ids=ids, attention_mask=mask).logits[:, :-1][labels[:, 1:] != IGNORED]
