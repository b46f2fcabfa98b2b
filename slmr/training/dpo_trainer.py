"""TRL's DPOTrainer for rows that are already tokenized."""

from __future__ import annotations

from typing import Any

from trl import DPOTrainer


class TokenizedDPOTrainer(DPOTrainer):
    """Takes the token ids of slmr's own encoding, which is the same for all stages."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset
