"""The trainer of on-policy distillation: its divergence."""

from __future__ import annotations

import math

import pytest
import torch

from slmr.training.gkd_trainer import Distiller


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_divergence_by_hand(beta: float) -> None:
    """2306.13649, eq. 1, over two tokens of one position; TRL's beta 0 is the forward KL(teacher || student)."""
    student, teacher = [0.7, 0.3], [0.4, 0.6]
    mixed = [beta * t + (1 - beta) * s for s, t in zip(student, teacher, strict=True)]

    def kl(p: list[float], q: list[float]) -> float:
        return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))

    by_hand = {0.0: kl(teacher, student), 1.0: kl(student, teacher)}.get(
        beta, beta * kl(teacher, mixed) + (1 - beta) * kl(student, mixed)
    )
    logits = [torch.log(torch.tensor([[p]])) for p in (student, teacher)]
    loss = Distiller.generalized_jsd_loss(*logits, labels=torch.tensor([[1]]), beta=beta)
    assert math.isclose(float(loss), by_hand, rel_tol=1e-5)
