"""Asks an engine and keeps every completion as it lands, so that a killed evaluation goes on.

Questions are asked in units whose composition never changes: the arithmetic of a local model depends on
what shares its batch, so a unit that was cut short is asked again as a whole, and the rows of a resumed
evaluation equal those of an undisturbed one. A server's unit is one question: nothing it said is lost.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.engines import Completion, Engine, Prompt, Sampling
from slmr.formats import duration
from slmr.io import read_rows, write_rows
from slmr.stage import Progress
from slmr.tasks import Item, Task

if TYPE_CHECKING:
    from slmr.evaluate import EvaluateParams

Row = dict[str, Any]

_FLUSH_ROWS, _FLUSH_S = 64, 10.0
_TRIAL_TOKENS, _TRIAL_REPEATS = 8, 8
_TELL_S = 0.2  # the display is told so often at most: it costs more than a small model's completion
_TOO_FEW = 20  # completions, before they tell how long the rest takes


@dataclass(frozen=True, slots=True)
class Question:
    """One completion that is wanted."""

    task: Task
    item: Item
    k_index: int
    prompt: Prompt

    def row(self, completion: Completion) -> Row:
        """The answer, as it is kept."""
        return {
            "task": self.task.name, "item_id": self.item.id, "difficulty": self.item.difficulty,
            "k_index": self.k_index, "prompt": self.prompt.user, "completion": completion.text,
            "gold": self.item.gold, "finish_reason": completion.finish_reason, "tokens": completion.tokens,
            "logprob": sum(completion.logprobs) if completion.logprobs else None,
        }  # fmt: skip


def questions_of(task: Task, limit: int | None, k: int, fewshot: int) -> list[Question]:
    """The task's test items, k times each, in the order of the task."""
    examples = tuple(task.fewshot(fewshot)) if fewshot else ()
    return [
        Question(task, item, draw, Prompt(task.prompt(item.problem), examples=examples, draw=draw))
        for item in task.items("test")[:limit]  # lm-eval reads all of them too: they are drawn once
        for draw in range(k)
    ]


class Recorder:
    """The kept answers of one evaluation, in `parts/` of its folder."""

    def __init__(
        self, folder: Path, questions: Sequence[Question], params: EvaluateParams, progress: Progress
    ) -> None:
        self._questions, self._params, self._progress = questions, params, progress
        self._parts = folder / "parts"
        self._parts.mkdir(exist_ok=True)
        self._kept: dict[int, Row] = {}
        for file in sorted(self._parts.glob("*.parquet")):
            self._kept |= {row.pop("question"): row for row in read_rows(file)}
        self._fresh: dict[int, Row] = {}

    @staticmethod
    def clear(folder: Path) -> None:
        """Forget the parts, once the samples are written."""
        shutil.rmtree(folder / "parts")

    def left(self) -> list[int]:
        """The questions without an answer, by number."""
        return [i for i in range(len(self._questions)) if i not in self._kept]

    def rows(self) -> list[Row]:
        """All answers, in the order of the questions."""
        return [self._kept[i] for i in range(len(self._questions))]

    def record(self, engine: Engine) -> dict[str, float]:
        """Asks what is left. Returns how many tokens came in how many seconds.

        Raises:
            WorkError: the engine failed; what had come is kept.
        """
        clock = _Clock(len(self._questions), len(self._kept), self._progress)
        self._estimate(engine, clock)
        try:
            for numbers in self._units(engine.unit):
                self._ask(engine, numbers, clock)
                self._flush()
        finally:
            if engine.unit == 1:
                self._flush()
        return clock.speed()

    def _ask(self, engine: Engine, numbers: Sequence[int], clock: _Clock) -> None:
        questions = [self._questions[i] for i in numbers]
        last_flush = time.monotonic()

        def heard(place: int, completion: Completion) -> None:
            nonlocal last_flush
            self._fresh[numbers[place]] = questions[place].row(completion)
            clock.heard(completion)
            overdue = time.monotonic() - last_flush > _FLUSH_S
            if engine.unit == 1 and (overdue or len(self._fresh) >= _FLUSH_ROWS):
                self._flush()
                last_flush = time.monotonic()

        sampling = self._sampling(questions[0].task)
        engine.generate([question.prompt for question in questions], sampling, heard)

    def _sampling(self, task: Task) -> Sampling:
        budget = self._params.max_tokens or task.max_tokens
        return Sampling(self._params.drawn_at(), budget, self._params.eval_seed, task.stop)

    def _units(self, size: int) -> Iterable[list[int]]:
        """Numbers of questions that are asked together; with a unit of one, all that is left of a task."""
        for _, group in groupby(range(len(self._questions)), key=lambda i: self._questions[i].task.name):
            numbers = list(group)
            step = len(numbers) if size == 1 else size
            for start in range(0, len(numbers), step):
                unit = numbers[start : start + step]
                missing = [i for i in unit if i not in self._kept]
                if missing:
                    yield missing if size == 1 else unit

    def _flush(self) -> None:
        """Writes what has come; a unit that is asked again after a kill replaces what it had."""
        if self._fresh:
            rows = [{"question": i, **row} for i, row in sorted(self._fresh.items())]
            write_rows(self._parts / f"{min(self._fresh):09d}.parquet", rows)
            self._kept |= self._fresh
            self._fresh = {}

    def _estimate(self, engine: Engine, clock: _Clock) -> None:
        """A short trial of a whole batch, so that the time is known before it is spent.

        Few prompts, several times each: a prompt is computed once for the tokens of a whole completion, so
        with a prompt of its own for every eight tokens the trial would take long and promise far too much.
        """
        numbers = self.left()
        distinct = -(-engine.width // _TRIAL_REPEATS)
        trial = numbers[:: max(1, len(numbers) // distinct)][:distinct]
        prompts = [self._questions[i].prompt for i in trial for _ in range(_TRIAL_REPEATS)][: engine.width]
        start = time.monotonic()
        done = engine.generate(prompts, Sampling(0.0, _TRIAL_TOKENS, 0))
        rate = sum(c.tokens for c in done) / max(1e-6, time.monotonic() - start)
        budget = sum(self._sampling(self._questions[i].task).max_tokens for i in numbers)
        clock.expect(len(numbers), budget / rate)


class _Clock:
    """Says how far an evaluation is, how fast, and how long it may still take."""

    def __init__(self, total: int, kept: int, progress: Progress) -> None:
        self._total, self._done, self._progress = total, kept, progress
        self._start, self._told_at, self._tokens, self._fresh = time.monotonic(), 0.0, 0, 0

    def expect(self, count: int, longest_s: float) -> None:
        """Announces the work: at most this long, if every completion fills its budget."""
        self._start = time.monotonic()
        kept = f"{self._done} are kept, " if self._done else ""
        self._progress(0, self._total, f"completions: {kept}{count} to do take at most {duration(longest_s)}")

    def heard(self, completion: Completion) -> None:
        self._done, self._fresh, self._tokens = (
            self._done + 1,
            self._fresh + 1,
            self._tokens + completion.tokens,
        )
        past = max(1e-6, time.monotonic() - self._start)
        if past - self._told_at < _TELL_S and self._done < self._total:
            return
        self._told_at = past
        left = past / self._fresh * (self._total - self._done)
        # The first to end are the short ones: too early, they promise too much or, after a slow start, too little.
        known = self._fresh >= min(self._total, _TOO_FEW)
        told = f", {self._tokens / past:,.0f} tokens/s, about {duration(left)} left" if known else ""
        self._progress(self._done, self._total, f"completions{told}")

    def speed(self) -> dict[str, float]:
        """Tokens, seconds and their ratio, of what this process generated."""
        seconds = max(1e-6, time.monotonic() - self._start)
        return {"tokens": self._tokens, "seconds": round(seconds, 3), "tokens_per_s": self._tokens / seconds}
