"""Preferences: right over wrong, and what that costs."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.training.dpo import DpoParams, dpo_stage, tokenize_pair
from tests.curriculum.common import context, folder, problems

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def test_preferences_raise_right_over_wrong(tmp_path: Path) -> None:
    pairs = [
        {"problem_id": p["id"], "prompt": p["prompt"], "chosen": f"#### {p['gold']}", "rejected": "#### 0"}
        for p in problems(16)
    ]
    made = context(tmp_path / "out", pairs=folder(tmp_path / "pairs", pairs=pairs))
    dpo_stage(made, DpoParams(epochs=4, batch_size=8, learning_rate=2e-4))

    def margin(folder: Path) -> float:
        """Mean log p(right) - log p(wrong)."""
        model = load_model(folder).eval()
        total = 0.0
        for pair in pairs:
            row = tokenize_pair(TOKENIZER, pair)
            for sign, side in ((1, "chosen_ids"), (-1, "rejected_ids")):
                ids = torch.tensor([row["prompt_ids"] + row[side]])
                with torch.no_grad():
                    logps = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
                own = logps[len(row["prompt_ids"]) - 1 :]
                total += sign * float(own.gather(1, ids[0, len(row["prompt_ids"]) :, None]).sum())
        return total / len(pairs)

    assert margin(made.folder / "model") > margin(model_path("lab-llama")) + 0.5
    sizes = [tokenize_pair(TOKENIZER, pair) for pair in pairs]
    once = sum(2 * len(s["prompt_ids"]) + len(s["chosen_ids"]) + len(s["rejected_ids"]) for s in sizes)
    assert made.cost.train_tokens == 4 * once
    first = read_rows(made.folder / "curve.parquet")[0]
    assert math.isclose(first["loss"], math.log(2), rel_tol=1e-3)  # at the start nothing is preferred
