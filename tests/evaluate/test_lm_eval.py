"""lm-eval's grading beside ours: the same completions, and the same questions or none."""

from __future__ import annotations

from typing import Any

import pytest

from slmr.errors import WorkError
from slmr.evaluate.lm_eval import lm_eval_accuracy
from slmr.tasks import Task
from slmr.tasks.registry import load_task

LIMIT = 4


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task("lab_gsm8k")


def rows(task: Task, k: int = 1) -> list[dict[str, Any]]:
    """Answers to the first items: the first of each is right where the item's number is even, others are wrong."""
    right = {"status": "correct", "strict": True, "lenient": True, "extracted": "1", "reason": ""}
    wrong = {"status": "wrong", "strict": False, "lenient": False, "extracted": "0", "reason": ""}
    return [
        {"task": task.name, "item_id": item.id, "prompt": task.prompt(item.problem), "gold": item.gold,
         "completion": f"#### {item.gold}" if j == 0 and i % 2 == 0 else "#### -1",
         **(right if j == 0 and i % 2 == 0 else wrong)}
        for i, item in enumerate(task.items("test", LIMIT))
        for j in range(k)
    ]  # fmt: skip


@pytest.mark.parametrize(("k", "accuracy"), [(1, 0.5), (2, 0.25)])
def test_the_mean_is_over_every_completion(task: Task, k: int, accuracy: float) -> None:
    assert lm_eval_accuracy([task], rows(task, k), LIMIT, k) == {"lab_gsm8k": accuracy}


def test_another_prompt_than_was_answered_is_an_error(task: Task) -> None:
    answered = rows(task)
    answered[2]["prompt"] = "Something else?"
    with pytest.raises(WorkError, match=r"lab_gsm8k: lm-eval asks .* where slmr asked 'Something else\?'"):
        lm_eval_accuracy([task], answered, LIMIT, 1)


def test_a_question_that_nobody_answered_is_an_error(task: Task) -> None:
    with pytest.raises(WorkError, match="where slmr asked 'nothing'"):
        lm_eval_accuracy([task], rows(task)[:-1], LIMIT, 1)
