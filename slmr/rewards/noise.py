"""Simulated verifier noise, to study how good a checker has to be for training. Evaluation never uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field

from slmr.config import Params
from slmr.io import digest
from slmr.verify import Verdict


class NoiseParams(Params):
    """Error rates of a stage's checker; abstentions stay abstentions.

    Attributes:
        false_accept: the share of wrong answers that are called right.
        false_reject: the share of right answers that are called wrong.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"false_accept", "false_reject"})

    false_accept: float = Field(default=0.0, ge=0, le=1)
    false_reject: float = Field(default=0.0, ge=0, le=1)

    def noise(self, seed: int) -> Noise:
        """The noise of a run with this seed."""
        return Noise(seed, self.false_accept, self.false_reject)


@dataclass(frozen=True)
class Noise:
    """Flips verdicts, depending only on the seed, the right answer and the completion.

    So a verdict is the same each time, in every stage and process, like that of a checker with a blind spot.
    """

    seed: int = 0
    false_accept: float = 0.0
    false_reject: float = 0.0

    def flip(self, verdicts: Sequence[Verdict], texts: Sequence[str], golds: Sequence[str]) -> list[Verdict]:
        """The verdicts with noise."""
        if not (self.false_accept or self.false_reject):
            return list(verdicts)
        return [self._flip(*case) for case in zip(verdicts, texts, golds, strict=True)]

    def _flip(self, verdict: Verdict, text: str, gold: str) -> Verdict:
        rate = self.false_reject if verdict.strict else self.false_accept
        if verdict.abstained or self._chance(text, gold) >= rate:
            return verdict
        right = not verdict.strict
        return replace(
            verdict,
            status="correct" if right else "wrong",
            strict=right,
            lenient=right,
            reason="flipped on purpose (noise)",
        )

    def _chance(self, text: str, gold: str) -> float:
        """Uniform in [0, 1)."""
        return int(digest(["lie", self.seed, gold, text]), 16) / 16**16
