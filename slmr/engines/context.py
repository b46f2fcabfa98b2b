"""How many tokens a model has positions for."""

from __future__ import annotations

from typing import Any


def context_length(config: Any) -> int | None:
    """The tokens of prompt and completion together that a model with this configuration takes; None: no bound."""
    length = getattr(config.get_text_config(), "max_position_embeddings", None)
    return length if isinstance(length, int) and length > 0 else None
