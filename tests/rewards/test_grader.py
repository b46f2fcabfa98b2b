"""Whose checker judges, which column is gold, and golds that cannot be read."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from slmr.errors import RequestError
from slmr.rewards import reward
from slmr.rewards.grader import Grader, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [("numeric", "numeric"), ("lab_math", "math"), ("gsm8k_platinum", "numeric"), ("logiqa", "choice")],
)
def test_a_task_or_a_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(("name", "near"), [("lab_mat", "lab_math"), ("numerc", "numeric")])
def test_an_unknown_name_suggests_the_nearest(name: str, near: str) -> None:
    with pytest.raises(RequestError, match=f"did you mean '{near}'"):
        kind_of(name)


def test_a_kind_needs_no_tasks_and_no_trainer() -> None:
    heavy = "{'slmr.tasks', 'torch', 'trl', 'verifiers', 'http.server'}"
    code = f"import sys; from slmr.rewards import reward; reward('choice'); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("completions", "gold", "named"),
    [
        (["#### 7", "#### 8"], "78", "gold answers are '78'"),
        (["#### 7"], 7, "gold answers are 7"),
        ("#### 7", ["7"], "completions are '#### 7'"),
    ],
)
def test_what_is_no_batch_is_refused(completions: Any, gold: Any, named: str) -> None:
    with pytest.raises(ValueError, match=f"the {named}: give a list with one for each completion"):
        reward("numeric")(completions, gold=gold)


def test_a_batch_with_too_few_gold_answers_says_how_many() -> None:
    with pytest.raises(ValueError, match="completions: 2, gold answers: 1: give one for each completion"):
        Grader("numeric").judge(["#### 7", "#### 8"], ["7"])


def test_gold_answers_may_be_a_tensor_or_an_array() -> None:
    for golds in (torch.tensor([7, 8]), np.array([7, 8]), np.array(["7", "8"])):
        assert reward("numeric")(["#### 7", "#### 9"], gold=golds) == [1.0, 0.0]


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    with pytest.raises(RequestError) as error:
        reward("numeric")(["#### 7"], prompts=["p"], answer=["7"], level=[1], trainer_state=None)
    assert str(error.value) == (
        "no column 'gold' with the right answers (columns: answer, level). Name it: gold='COLUMN'"
    )
    with pytest.raises(RequestError, match=r"no column 'solution'.*columns: gold"):
        reward("numeric", gold="solution")(["#### 7"], gold=["7"])


def test_gold_may_be_any_column_and_a_number() -> None:
    assert reward("numeric", gold="answer")(["#### 7", "#### 7"], answer=[7, None], gold=["8", "8"]) == [
        1.0,
        None,
    ]


def warned(grader: Grader, *batches: list[str]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for golds in batches:
            grader.judge(["#### 7"] * len(golds), golds)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    "batches",
    [
        [["seven"] * 4],
        [["seven"], ["eight"]],
        [["7"] * 98 + ["seven", "eight"]],
        [*[["7"]] * 98, ["seven"], ["eight"]],
        [["7"] * 1000, *[["seven"] * 3] * 4],
    ],
)
def test_golds_of_which_more_than_one_in_a_hundred_is_unreadable_warn_once(batches: list[list[str]]) -> None:
    grader = Grader("numeric", gold="solution")
    (message,) = warned(grader, *batches)
    assert ("cannot be read as numeric, for example" in message and "ht'" in message) or "'seven'" in message
    assert "'solution'" in message and "correct or drop them" in message
    assert warned(grader, ["seven"] * 200) == []


@pytest.mark.parametrize("batches", [[["seven"]], [["7", "seven"] * 10], [["7"] * 99 + ["seven"]], [["7"] * 500], [[]]])
def test_few_unreadable_golds_do_not(batches: list[list[str]]) -> None:
    assert warned(Grader("numeric"), *batches) == []


def test_one_warning_though_many_threads_judge() -> None:
    grader = Grader("numeric")
    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(16) as threads:
        warnings.simplefilter("always")
        list(threads.map(lambda _: grader.judge(["#### 7"] * 10, ["seven"] * 10), range(64)))
    assert len(caught) == 1


def test_it_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(reward("numeric", form="any")))
    assert sent(["It is 7"], gold=["7"]) == [1.0] and sent.__name__ == "numeric_lenient"
