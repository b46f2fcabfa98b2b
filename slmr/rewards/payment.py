"""Turns a verdict into a reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from slmr.errors import RequestError, check_known
from slmr.verify import Verdict

Form = Literal["strict", "any"]


@dataclass(frozen=True, slots=True)
class Payment:
    """The reward of each verdict.

    Attributes:
        form: `strict` pays 1 for a right answer in the requested form; `any` for one in any recognisable form.
        lenient_weight: with `strict`, the reward for a right answer in another form, from 0 to 1.

    Raises:
        RequestError: there is no such form, the weight is out of range, or a weight is combined with `any`.
    """

    form: Form = "strict"
    lenient_weight: float = 0.0

    def __post_init__(self) -> None:
        check_known("form", self.form, get_args(Form))
        weight = self.lenient_weight
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
            raise RequestError(f"lenient_weight = {weight!r}: it should be a number from 0 to 1")
        if self.form == "any" and weight:
            raise RequestError(
                f"lenient_weight = {weight} with form 'any', which pays 1 for every right answer: leave one of them out"
            )

    def reward(self, verdict: Verdict) -> float | None:
        """The reward, from 0 to 1; None for an abstention."""
        if verdict.abstained:
            return None
        if verdict.strict or (verdict.lenient and self.form == "any"):
            return 1.0
        return float(self.lenient_weight) if verdict.lenient else 0.0


STRICT = Payment()


def reward_of(verdict: Verdict, payment: Payment = STRICT) -> float | None:
    """A verdict's reward: by default 1 if strict, else 0; None for an abstention, which TRL ignores in advantages."""
    return payment.reward(verdict)


def measures(verdict: Verdict) -> dict[str, float]:
    """The measures that are logged with the reward, each 0 or 1. Lenient minus strict is the format loss."""
    return {
        "strict": float(verdict.strict),
        "lenient": float(verdict.lenient),
        "no_answer": float(verdict.status == "no_answer"),
        "abstained": float(verdict.abstained),
    }
