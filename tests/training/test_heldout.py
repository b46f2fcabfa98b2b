"""Held-out problems during training: the KL to the start, early stopping, the best weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmr.engines.decode import Generation
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.training.heldout import kl_to
from slmr.training.sft import SftParams, sft_stage
from tests.training.test_resume import context, curve, inputs


def test_the_kl_to_the_start_is_the_sum_of_differences_of_log_probabilities() -> None:
    tokenizer, model = load_tokenizer(model_path("lab-llama")), load_model(model_path("lab-llama")).eval()
    rows = [
        Generation(0, (5, 6, 7), 0, [8, 9], [0.0, -1.0]),
        Generation(1, (5,), 0, [tokenizer.eos_token_id], [-2.0]),
    ]  # type: ignore[list-item]
    total = 0.0
    for row in rows:
        logits = model(input_ids=torch.tensor([[*row.prompt, *row.ids]])).logits[0].log_softmax(-1)
        for place, token in enumerate(row.ids, len(row.prompt)):
            total -= logits[place - 1, token].item()
    assert kl_to(model, rows) == pytest.approx(total - 3.0, rel=1e-5)


def test_a_run_stops_early_and_keeps_its_best_weights(tmp_path: Path) -> None:
    """A learning rate that ruins the student: the best are the first weights, and two worse ones end it."""
    made = context(tmp_path / "out", inputs(tmp_path))
    params = SftParams(
        learning_rate=0.5, epochs=20, batch_size=8, validate_every=2, patience=2, keep="best", max_tokens=20
    )
    sft_stage(made, params)
    assert made.stats["validation"]["kept_step"] == 0 and made.stats["steps"] == 4
    kept, first = load_model(made.folder / "model"), load_model(model_path("lab-llama"))
    assert all((a == b).all() for a, b in zip(kept.parameters(), first.parameters(), strict=True))
    rows = {int(r["step"]): r for r in curve(made.folder) if r["validation_accuracy"] is not None}
    assert list(rows) == [0, 2, 4] and abs(rows[0]["validation_kl"]) < 1e-4 < rows[4]["validation_kl"]
