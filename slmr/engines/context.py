"""A model's context length."""

from __future__ import annotations

from typing import Any


def context_length(config: Any) -> int | None:
    """The maximal number of tokens of prompt and completion together; None if the model has no limit."""
    length = getattr(config.get_text_config(), "max_position_embeddings", None)
    return length if isinstance(length, int) and length > 0 else None
