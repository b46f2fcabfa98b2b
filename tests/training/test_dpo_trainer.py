"""The trainer of DPO takes the rows as they are."""

from __future__ import annotations

from typing import Any

from datasets import Dataset

from slmr.training.dpo_trainer import TokenizedDPOTrainer


def test_rows_are_trained_on_as_they_are() -> None:
    rows, anything = Dataset.from_list([{"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3]}]), object()
    prepare: Any = TokenizedDPOTrainer._prepare_dataset
    assert prepare(anything, rows, anything, anything, "train") is rows
