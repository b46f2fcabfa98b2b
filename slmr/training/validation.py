"""Parameters of validation during training. Ours; the callback that validates is in `heldout`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from slmr.config import MAX_TOKENS, Params

NOTHING_HELD_OUT = (
    "validate_every is set, but no problem is held out: give the stage `validation: pool` in the recipe, and set"
    " pool.validation in the profile"
)


class ValidationParams(Params):
    """Validation during training.

    Attributes:
        validate_every: steps between two validations; there is also one before the first step and one at the end.
            0 disables validation.
        patience: number of validations without a new best after which training stops; 0 never stops early.
        keep: keep the weights of the last step, or of the best validation (the first of equals). The best may be the
            one before the first step, which undoes the stage. The shipped profiles keep the last for every method,
            because a few hundred held-out problems, most of them easy, say little about a stage's effect.
        max_tokens: limit of a completion.
    """

    validate_every: int = Field(default=0, ge=0)
    patience: int = Field(default=0, ge=0)
    keep: Literal["last", "best"] = "last"
    max_tokens: int = Field(default=80, ge=1, le=MAX_TOKENS)

    @field_validator("patience", "keep")
    @classmethod
    def _validated(cls, value: int | str, info: ValidationInfo) -> int | str:
        if value not in (0, "last") and not info.data.get("validate_every"):
            raise ValueError("needs validate_every: without validation there is no best one")
        return value
