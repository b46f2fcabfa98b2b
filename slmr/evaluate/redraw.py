"""Redraws completions without steps, to measure a model that never guesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from slmr.evaluate.recorder import Question, Recorder, RowT
from slmr.verify.trace_steps import split_steps


def redraw(
    recorder: Recorder[dict[str, Any]],
    questions: Sequence[Question[dict[str, Any]]],
    k: int,
    times: int,
    record: Callable[[], None],
) -> list[dict[str, Any]]:
    """The rows of the questions, with completions without steps replaced by further draws; all tokens are counted.

    If none of `times` further draws has a step, the last one is kept. `record` asks the recorder's missing questions.
    Draw number r of a question has the first draw's sample index plus r times `k`.
    """
    record()
    rows = recorder.rows()
    for round_ in range(1, times + 1):
        guesses = [i for i, row in enumerate(rows) if not split_steps(row["completion"])]
        if not guesses:
            break
        recorder.add(_shift(questions[i], round_ * k) for i in guesses)
        record()
        for i, row in zip(guesses, recorder.rows(-len(guesses)), strict=True):
            rows[i] = {**row, "k_index": rows[i]["k_index"], "tokens": rows[i]["tokens"] + row["tokens"]}
    return rows


def _shift(question: Question[RowT], shift: int) -> Question[RowT]:
    prompt = replace(question.prompt, sample_index=question.prompt.sample_index + shift)
    return replace(question, prompt=prompt)
