"""Completions are kept as they land: what was there stays, what was cut short is asked again as it was."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.engines import Completion, OnCompletion, Prompt, Sampling
from slmr.errors import WorkError
from slmr.evaluate import EvaluateParams, questions_of
from slmr.evaluate.recorder import Recorder
from slmr.io import write_rows
from slmr.stage import Progress
from slmr.tasks import Task
from slmr.tasks.registry import load_task

K = 2
N_ITEMS = 13


class ScriptedEngine:
    """Answers with the batch it was asked in, so that another composition is another answer."""

    parameters = 1
    width = 4

    def __init__(self, unit: int, dies_after: int | None = None) -> None:
        self.unit, self.left, self.calls, self.trials = unit, dies_after, [], []

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        if on_completion is None:  # the trial before the start
            self.trials.append(len(prompts))
            return [Completion("", "length", sampling.max_tokens) for _ in prompts]
        self.calls.append(len(prompts))
        beside = hash(tuple(prompts)) if self.unit > 1 else 0
        done = []
        for i, prompt in enumerate(prompts):
            if self.left == 0:
                raise WorkError("the server stopped")
            if self.left is not None:
                self.left -= 1
            done.append(Completion(f"{prompt.user[-40:]} {prompt.sample_index} {beside}", "stop", 3, (), (-0.5, -0.5)))
            on_completion(i, done[-1])
        return done


def recorder(folder: Path, tasks: Sequence[Task], progress: Progress = lambda *_: None) -> Recorder:
    params = EvaluateParams(tasks=tuple(task.name for task in tasks), k=K, limit=N_ITEMS)
    made = Recorder(folder, progress)
    made.add(question for task in tasks for question in questions_of(task, params))
    return made


def record(recorder: Recorder, engine: ScriptedEngine) -> None:
    recorder.record(engine, engine.unit)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [load_task("lab_gsm8k"), load_task("lab_logiqa")]


@settings(max_examples=30)
@given(unit=st.integers(1, 30), deaths=st.lists(st.integers(0, 40), max_size=5))
def test_after_any_deaths_the_rows_are_those_of_an_undisturbed_run(
    tmp_path_factory: pytest.TempPathFactory, tasks: list[Task], unit: int, deaths: list[int]
) -> None:
    undisturbed = recorder(tmp_path_factory.mktemp("whole"), tasks)
    record(undisturbed, ScriptedEngine(unit))
    folder = tmp_path_factory.mktemp("killed")
    for dies_after in deaths:
        mine = recorder(folder, tasks)
        if mine.missing():
            with suppress(WorkError):
                record(mine, ScriptedEngine(unit, dies_after))
    last = recorder(folder, tasks)
    record(last, ScriptedEngine(unit))
    assert last.rows() == undisturbed.rows()


def test_what_a_server_said_is_never_asked_again(tmp_path: Path, tasks: list[Task]) -> None:
    with pytest.raises(WorkError, match="the server stopped"):
        record(recorder(tmp_path, tasks), ScriptedEngine(1, dies_after=30))
    again, engine = recorder(tmp_path, tasks), ScriptedEngine(1)
    assert len(again.missing()) == 2 * N_ITEMS * K - 30
    record(again, engine)
    assert sum(engine.calls) == 2 * N_ITEMS * K - 30 and not again.missing()


def test_a_unit_of_a_local_engine_is_kept_whole_or_not_at_all(tmp_path: Path, tasks: list[Task]) -> None:
    with pytest.raises(WorkError):
        record(recorder(tmp_path, tasks), ScriptedEngine(8, dies_after=21))
    assert len(recorder(tmp_path, tasks).missing()) == 2 * N_ITEMS * K - 16


def test_rows_hold_what_a_reader_needs(tmp_path: Path, tasks: list[Task]) -> None:
    mine = recorder(tmp_path, tasks)
    record(mine, ScriptedEngine(64))
    rows = mine.rows()
    assert [row["k_index"] for row in rows[:4]] == [0, 1, 0, 1]
    item = tasks[0].items("test", 1)[0]
    assert rows[0]["item_id"] == item.id and rows[0]["gold"] == item.gold
    assert rows[0]["prompt"] == tasks[0].prompt(item.problem)
    assert (rows[0]["tokens"], rows[0]["finish_reason"], rows[0]["logprob"]) == (3, "stop", -1.0)
    assert {row["task"] for row in rows} == {"lab_gsm8k", "lab_logiqa"}


def test_the_time_is_told_before_it_is_spent_and_all_along(tmp_path: Path, tasks: list[Task]) -> None:
    said: list[str] = []
    mine = recorder(tmp_path, tasks, lambda done, total, what: said.append(f"{done} of {total} {what}"))
    mine.announce(ScriptedEngine(8))  # type: ignore[arg-type]
    record(mine, ScriptedEngine(8))
    assert said[0].startswith("0 of 52 completions: 52 to do take about ")
    assert said[0].endswith(" if none ends early")
    assert len(said) >= 2 and said[-1].startswith("52 of 52 ") and "tokens/s, about 0 s left" in said[-1]


def test_the_time_of_a_few_questions_is_that_of_a_small_batch(tmp_path: Path, tasks: list[Task]) -> None:
    questions = questions_of(tasks[0], EvaluateParams(tasks=("lab_gsm8k",), limit=3))
    mine, engine = Recorder[dict[str, Any]](tmp_path, lambda *_: None), ScriptedEngine(64)
    mine.add(questions)
    mine.announce(engine)  # type: ignore[arg-type]
    assert engine.trials == [3]


def test_waves_of_questions_are_numbered_on_and_never_share_a_unit(tmp_path: Path, tasks: list[Task]) -> None:
    """As an adaptive probe asks: who is asked next depends on what has come, and a kill changes nothing."""
    questions = questions_of(tasks[0], EvaluateParams(tasks=("lab_gsm8k",), limit=N_ITEMS))
    waves = [[replace(q, group=f"wave {n}") for q in some] for n, some in enumerate((questions, questions[::2]))]

    def run(folder: Path, engines: Sequence[ScriptedEngine]) -> list[dict[str, Any]]:
        folder.mkdir()
        for engine in engines:
            made, rows = Recorder(folder, lambda *_: None), []
            with suppress(WorkError):
                for wave in waves:
                    made.add(wave)
                    made.record(engine, engine.unit, total=99)  # type: ignore[arg-type]
                    rows += made.rows(len(rows))
        made.clear()
        assert not list(folder.iterdir())
        return rows

    engine = ScriptedEngine(4)
    whole = run(tmp_path / "whole", [engine])
    assert engine.calls == [4, 4, 4, 1, 4, 3]
    last = ScriptedEngine(4)
    assert run(tmp_path / "killed", [ScriptedEngine(4, 6), ScriptedEngine(4, 12), last]) == whole
    assert last.calls == [4, 3], "of the first wave all is kept"


def test_somebody_hears_of_each_row_as_soon_as_it_is_there(tmp_path: Path, tasks: list[Task]) -> None:
    heard: list[dict[str, Any]] = []
    made = Recorder(tmp_path, lambda *_: None, on_row=heard.append)
    made.add(questions_of(tasks[0], EvaluateParams(tasks=(tasks[0].name,), limit=N_ITEMS)))
    with suppress(WorkError):
        made.record(ScriptedEngine(4, dies_after=6), 4)
    assert [row["item_id"] for row in heard] == [item.id for item in tasks[0].items("test")[:6]]


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "flipped", "folder"])
def test_a_damaged_part_is_asked_for_again(damage: str, tmp_path: Path, tasks: list[Task]) -> None:
    questions = questions_of(tasks[0], EvaluateParams(tasks=(tasks[0].name,), limit=N_ITEMS))

    def run(folder: Path) -> Recorder:
        folder.mkdir(exist_ok=True)
        made = Recorder(folder, lambda *_: None)
        made.add(questions)
        return made

    whole = run(tmp_path / "whole")
    whole.record(ScriptedEngine(4), 4)  # type: ignore[arg-type]
    killed = run(tmp_path / "killed")
    with suppress(WorkError):
        killed.record(ScriptedEngine(4, dies_after=10), 4)  # type: ignore[arg-type]
    first, *_ = sorted((tmp_path / "killed" / "parts").iterdir())
    content = first.read_bytes()
    first.unlink()
    if damage == "folder":
        (first / "x").mkdir(parents=True)
    elif damage == "other":
        write_rows(first, [{"answer": 42}])
    else:
        at = content.index(b"(\xb5\x2f\xfd") + 20  # within the first compressed page
        flipped = content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
        first.write_bytes({"cut": content[:-30], "empty": b"", "flipped": flipped}[damage])
    again = run(tmp_path / "killed")
    again.record(ScriptedEngine(4), 4)  # type: ignore[arg-type]
    assert again.rows() == whole.rows()
