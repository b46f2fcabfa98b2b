"""Few-shot examples, and those of a file of questions, which has nothing but them."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.evaluate import EvaluateParams, prompts_of
from slmr.tasks.fewshot import examples_by_item
from slmr.tasks.from_file import write_task
from slmr.tasks.registry import load_task
from slmr.tasks.task import Task
from tests.tasks.own import own_examples


def quiz(folder: Path, rows: int, *more: str) -> Task:
    file = folder / "quiz.csv"
    lines = [f"{i} + 1?,{i + 1}" for i in range(rows)]
    file.write_text("\n".join(["question,answer", *lines, *more]) + "\n")
    write_task(file, folder / "tasks")
    return load_task("quiz", [folder / "tasks"])


def test_the_examples_are_other_rows_in_the_strict_form(tmp_path: Path) -> None:
    task = quiz(tmp_path, 6)
    examples = examples_by_item(task, 3, seed=0)
    for item in task.items("test"):
        chosen = examples(item)
        assert len(set(chosen)) == 3 and task.prompt(item.problem) not in [question for question, _ in chosen]
        for question, answer in chosen:
            first = int(question.split(" ", 1)[0])
            assert question == task.prompt(f"{first} + 1?") and answer == f"#### {first + 1}"


def test_the_seed_chooses_them_and_a_limit_does_not(tmp_path: Path) -> None:
    task = quiz(tmp_path, 30)
    item = task.items("test")[0]
    assert examples_by_item(task, 4, 0)(item) == examples_by_item(task, 4, 0)(item)
    assert examples_by_item(task, 4, 0)(item) != examples_by_item(task, 4, 1)(item)
    params = EvaluateParams(tasks=("quiz",), fewshot=4, eval_seed=1, limit=1)
    ((_, prompt),) = prompts_of(task, params)
    assert prompt.examples == examples_by_item(task, 4, 1)(item)


def test_a_question_that_stands_twice_in_the_file_never_sees_its_answer(tmp_path: Path) -> None:
    task = quiz(tmp_path, 3, "0 + 1?,1")
    twice = task.items("test")[3]
    assert all(question != task.prompt(twice.problem) for question, _ in examples_by_item(task, 2, 0)(twice))


def test_a_file_with_too_few_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="has 3 different questions, so --fewshot can be 2 at most"):
        examples_by_item(quiz(tmp_path, 3), 3, 0)


def test_a_task_with_examples_of_its_own_gives_those(tmp_path: Path) -> None:
    task = own_examples(tmp_path)
    (item,) = task.items("test")
    assert list(examples_by_item(task, 2, 0)(item)) == task.fewshot(2)
    assert examples_by_item(quiz(tmp_path, 1), 0, 0)(item) == ()
