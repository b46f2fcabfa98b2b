"""A checker that lies at a rate: how good does one have to be for a training? The evaluator never asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field

from slmr.config import Params
from slmr.io import digest
from slmr.verify import Verdict


class NoiseParams(Params):
    """How often a stage's checker lies, of what it decides; what it abstains from stays undecided.

    Attributes:
        false_accept: of the wrong answers, those that it calls right.
        false_reject: of the right ones, those that it calls wrong.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"false_accept", "false_reject"})

    false_accept: float = Field(default=0.0, ge=0, le=1)
    false_reject: float = Field(default=0.0, ge=0, le=1)

    def noise(self, seed: int) -> Noise:
        """The lies of a run of this seed."""
        return Noise(seed, self.false_accept, self.false_reject)


@dataclass(frozen=True)
class Noise:
    """Lies about verdicts. Whether it does depends on the seed, the right answer and the completion alone.

    So it says the same each time that it is asked, in whatever stage and process, as a checker with a blind spot does.
    """

    seed: int = 0
    false_accept: float = 0.0
    false_reject: float = 0.0

    def of(self, verdicts: Sequence[Verdict], texts: Sequence[str], golds: Sequence[str]) -> list[Verdict]:
        """The verdicts as the checker says them."""
        if not (self.false_accept or self.false_reject):
            return list(verdicts)
        return [self._said(*case) for case in zip(verdicts, texts, golds, strict=True)]

    def _said(self, verdict: Verdict, text: str, gold: str) -> Verdict:
        rate = self.false_reject if verdict.strict else self.false_accept
        if verdict.abstained or self._chance(text, gold) >= rate:
            return verdict
        right = not verdict.strict
        return replace(
            verdict, status="correct" if right else "wrong", strict=right, lenient=right, reason="a lie, as asked for"
        )  # fmt: skip

    def _chance(self, text: str, gold: str) -> float:
        """Uniform in [0, 1)."""
        return int(digest(["lie", self.seed, gold, text]), 16) / 16**16
