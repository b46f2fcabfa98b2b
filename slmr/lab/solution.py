"""The solver's output: a solution as steps, and the traces written from it.

A solution is written in two styles. The *plain* style is that of the lab students: one equation per sentence. A *raw*
teacher trace is terse within a skill, like a strong teacher's: steps that only serve the next step of the same skill
are folded into it. It may also end with a summary in words.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from random import Random

_REFERENCE = re.compile(r"@(\d+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a solution.

    Attributes:
        reason: what the step does, in a teacher's words ("the third off").
        expression: the calculation, in which `@i` stands for the result of step i; empty if the step
            is a statement and not a calculation.
        result: the value of the expression, or the statement itself.
        inside: whether it only serves a later step of the same skill, so that a terse teacher folds it in.
    """

    reason: str
    expression: str
    result: str
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Solution:
    """The solver's steps, and the closing line in the form that the task's prompt requests."""

    steps: tuple[Step, ...]
    closing: str

    def plain(self, first: int = 0) -> str:
        """Every step from `first` on in the student's style, then the closing line."""
        return " ".join([*self.plain_steps()[first:], self.closing])

    def plain_steps(self) -> list[str]:
        """The steps in the student's style, without the closing line."""
        return [self._equation(i, frozenset()) + "." for i in range(len(self.steps))]

    def teacher(self, merged: Set[int] = frozenset(), in_words: bool = False) -> str:
        """The teacher's trace: the steps in `merged` are folded into later ones; `in_words` adds a summary."""
        sentences = [self._equation(i, merged) + "." for i in range(len(self.steps)) if i not in merged]
        last = self.steps[-1]
        if in_words and last.reason:
            sentences.append(f"So {last.reason} gives {last.result}.")
        return " ".join([*sentences, self.closing])

    def raw(self, rng: Random, merge_share: float, word_share: float = 0.0) -> str:
        """A raw teacher trace, drawn with `rng`.

        Each step inside a skill is merged with probability `merge_share`; with probability `word_share`
        the trace also ends with a summary in words that the lab students have never written.
        """
        merged = {i for i, step in enumerate(self.steps) if step.inside and rng.random() < merge_share}
        return self.teacher(merged, rng.random() < word_share)

    def _equation(self, index: int, merged: Set[int]) -> str:
        step = self.steps[index]
        if not step.expression:
            return step.result
        return f"{self._expand(index, merged)} = {step.result}"

    def _expand(self, index: int, merged: Set[int]) -> str:
        def fill(match: re.Match[str]) -> str:
            source = int(match[1])
            return f"({self._expand(source, merged)})" if source in merged else self.steps[source].result

        return _REFERENCE.sub(fill, self.steps[index].expression)
