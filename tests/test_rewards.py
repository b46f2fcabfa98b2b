"""The rewards that other people's trainers call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slmr.errors import RequestError
from slmr.rewards import reward


def test_pays_one_for_strict_zero_for_the_rest_and_none_for_an_abstention():
    score = reward("numeric")
    completions = ["#### 7", "The answer is 7", "#### 8", "", "#### 7"]
    assert score(completions=completions, gold=["7", "7", "7", "7", "seven"], prompts=["p"] * 5) == [
        1.0, 0.0, 0.0, 0.0, None,
    ]  # fmt: skip


def test_reads_conversations():
    turns = [[{"role": "user", "content": "3+4?"}, {"role": "assistant", "content": "\\boxed{7}"}]]
    assert reward("math")(turns, gold=["7"]) == [1.0]
    assert reward("math")([[{"role": "assistant", "content": None}]], gold=["7"]) == [0.0]


@pytest.mark.parametrize(
    ("task", "text", "gold"), [("lab_math", "\\boxed{1/2}", "0.5"), ("lab_logiqa", "Answer: B", "B")]
)
def test_a_task_pays_by_its_own_checker(task, text, gold):
    score = reward(task)
    assert score.__name__ == f"{task}_accuracy"
    assert score([text], gold=[gold]) == [1.0]


def test_an_unknown_task_suggests_the_nearest():
    with pytest.raises(RequestError, match="lab_math"):
        reward("lab_mat")


def test_golds_and_completions_must_match_in_number():
    with pytest.raises(ValueError):
        reward("choice")(["Answer: B"], gold=[])


def test_a_kind_needs_no_tasks():
    code = "import sys; from slmr.rewards import reward; reward('choice'); print('slmr.tasks' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
