"""Asks an engine and saves every completion as it arrives, so that a killed evaluation or probe can be resumed.

Questions are asked in units whose composition never changes: the arithmetic of a local model depends on
what shares its batch, so an interrupted unit is asked again as a whole, and the rows of a resumed run
equal those of an uninterrupted one. A server's unit is one question, so no answer is lost.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, TypeVar

from slmr.artifacts import remove
from slmr.engines import Completion, Engine, Prompt, Sampling
from slmr.io import read_rows, write_rows
from slmr.stage import Progress

RowT = TypeVar("RowT", bound=Mapping[str, Any])

_FLUSH_ROWS, _FLUSH_S = 64, 10.0
_TRIAL_TOKENS, _TRIAL_REPEATS = 8, 8
_DISPLAY_S = 0.2  # between two updates of the display, which cost more than a small model's completion
_MIN_FOR_ESTIMATE = 20  # completions before the remaining time is estimated


@dataclass(frozen=True, slots=True)
class Question(Generic[RowT]):
    """One completion to be generated.

    Attributes:
        group: only consecutive questions of the same group are asked together.
        row: turns the completion into the row that is saved.
    """

    prompt: Prompt
    sampling: Sampling
    group: str
    row: Callable[[Completion], RowT]


class Recorder(Generic[RowT]):
    """The completions of one evaluation or probe, by the number of their question, in `parts/` of a folder.

    `what`: the noun that the progress display counts; `on_row` is called with each row as soon as it arrives.
    """

    def __init__(
        self,
        folder: Path,
        progress: Progress,
        what: str = "completions",
        on_row: Callable[[RowT], None] = lambda row: None,
    ) -> None:
        self._parts, self._progress, self._what, self._on_row = folder / "parts", progress, what, on_row
        self._parts.mkdir(exist_ok=True)
        self._questions: list[Question[RowT]] = []
        self._saved: dict[int, RowT] = {}
        for file in sorted(self._parts.glob("*.parquet")):
            self._saved |= _part(file)
        self._fresh: dict[int, RowT] = {}

    def add(self, questions: Iterable[Question[RowT]]) -> None:
        """Adds questions. To resume, the same ones must be added in the same order."""
        self._questions += questions

    def clear(self) -> None:
        """Deletes the parts, once the rows are written elsewhere."""
        shutil.rmtree(self._parts)

    def missing(self) -> list[int]:
        """The numbers of the questions without a completion."""
        return [i for i in range(len(self._questions)) if i not in self._saved]

    def rows(self, start: int = 0) -> list[RowT]:
        """The rows of the questions from number `start`, in order; a negative `start` counts from the end."""
        return [self._saved[i] for i in range(len(self._questions))[start:]]

    def announce(self, engine: Engine) -> None:
        """Reports about how long the missing completions take if each reaches its token limit.

        It generates a few tokens with a batch as wide as theirs. The batch repeats a few prompts, because in a real run
        the prompt is a small part of the work; with distinct prompts the trial would take long and overestimate the
        time.
        """
        from slmr.stats.formats import duration  # its package needs numpy, which a light install lacks

        missing = [self._questions[i] for i in self.missing()]
        width = min(engine.width, len(missing))  # a wider batch would be faster than the real ones
        distinct = -(-width // _TRIAL_REPEATS)
        trial = missing[:: max(1, len(missing) // distinct)][:distinct]
        prompts = [question.prompt for question in trial for _ in range(_TRIAL_REPEATS)][:width]
        start = time.monotonic()
        completions = engine.generate(prompts, Sampling(0.0, _TRIAL_TOKENS, 0))
        rate = sum(c.tokens for c in completions) / max(1e-6, time.monotonic() - start)
        longest = duration(sum(question.sampling.max_tokens for question in missing) / rate)
        total = len(self._questions)
        saved = f"{total - len(missing)} are kept, " if len(missing) < total else ""
        self._progress(0, total, f"{self._what}: {saved}{len(missing)} to do take about {longest} if none ends early")

    def record(self, engine: Engine, unit: int, total: int | None = None) -> dict[str, float]:
        """Asks the missing questions, `unit` together. Returns the tokens, the seconds, and their ratio.

        `total` is the final number of questions, if not all have been added yet.

        Raises:
            WorkError: the engine failed; completions that had arrived are saved.
        """
        total = len(self._questions) if total is None else total
        meter = _Meter(total, len(self._questions) - len(self.missing()), self._progress, self._what)
        try:
            for numbers in self._units(unit):
                self._ask(engine, numbers, unit, meter)
                self._flush()
        finally:
            if unit == 1:
                self._flush()
        return meter.speed()

    def _ask(self, engine: Engine, numbers: Sequence[int], unit: int, meter: _Meter) -> None:
        questions = [self._questions[i] for i in numbers]
        last_flush = time.monotonic()

        def on_completion(index: int, completion: Completion) -> None:
            nonlocal last_flush
            self._fresh[numbers[index]] = questions[index].row(completion)
            self._on_row(self._fresh[numbers[index]])
            meter.count(completion)
            overdue = time.monotonic() - last_flush > _FLUSH_S
            if unit == 1 and (overdue or len(self._fresh) >= _FLUSH_ROWS):
                self._flush()
                last_flush = time.monotonic()

        engine.generate([question.prompt for question in questions], questions[0].sampling, on_completion)

    def _units(self, size: int) -> Iterator[list[int]]:
        """Numbers of questions that are asked together; with a unit of one, all missing questions of a group."""
        for _, group in groupby(range(len(self._questions)), key=lambda i: self._questions[i].group):
            numbers = list(group)
            step = len(numbers) if size == 1 else size
            for start in range(0, len(numbers), step):
                unit = numbers[start : start + step]
                missing = [i for i in unit if i not in self._saved]
                if missing:
                    yield missing if size == 1 else unit

    def _flush(self) -> None:
        """Writes new rows; a unit that is asked again after a kill replaces its earlier rows."""
        if self._fresh:
            rows = [{"question": i, **row} for i, row in sorted(self._fresh.items())]
            write_rows(self._parts / f"{min(self._fresh):09d}.parquet", rows)
            self._saved |= self._fresh
            self._fresh = {}


def _part(file: Path) -> dict[int, Any]:
    """The rows of one part by question. A damaged part is removed, so that its questions are asked again."""
    try:
        return {int(row.pop("question")): row for row in read_rows(file)}
    except (OSError, ValueError, KeyError, TypeError):
        remove(file)
        return {}


class _Meter:
    """Counts completions, and reports progress, speed and the remaining time."""

    def __init__(self, total: int, kept: int, progress: Progress, what: str) -> None:
        self._total, self._done, self._progress, self._what = total, kept, progress, what
        self._start, self._displayed_at, self._tokens, self._fresh = time.monotonic(), 0.0, 0, 0

    def count(self, completion: Completion) -> None:
        """Counts one completion."""
        from slmr.stats.formats import duration

        self._done += 1
        self._fresh += 1
        self._tokens += completion.tokens
        past = max(1e-6, time.monotonic() - self._start)
        if past - self._displayed_at < _DISPLAY_S and self._done < self._total:
            return
        self._displayed_at = past
        remaining = past / self._fresh * (self._total - self._done)
        # The first completions are the short ones, so an early estimate would be wrong.
        known = self._fresh >= min(self._total, _MIN_FOR_ESTIMATE)
        speed = f", {self._tokens / past:,.0f} tokens/s, about {duration(remaining)} left" if known else ""
        self._progress(self._done, self._total, f"{self._what}{speed}")

    def speed(self) -> dict[str, float]:
        """The tokens that this process generated, the seconds, and their ratio."""
        seconds = max(1e-6, time.monotonic() - self._start)
        return {"tokens": self._tokens, "seconds": round(seconds, 3), "tokens_per_s": self._tokens / seconds}
