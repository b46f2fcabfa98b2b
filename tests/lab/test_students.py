"""The shipped models: what each can do, greedily, on problems that none of them was trained on."""

from __future__ import annotations

import pytest

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.transformers import load_tokenizer
from slmr.errors import RequestError
from slmr.lab import STUDENTS, TEACHER, model_path
from slmr.tasks.registry import load_task


def accuracy(name: str, levels: tuple[int, ...], task_name: str = "lab_gsm8k", n: int = 250) -> float:
    """Greedy accuracy on the validation problems of these levels."""
    task = load_task(task_name)
    items = [item for item in task.items("validation", n) if item.difficulty in levels]
    engine = open_engine(model_path(name), EngineSettings(device="cpu", batch_size=96))
    done = engine.generate([Prompt(task.prompt(i.problem)) for i in items], Sampling(0.0, task.max_tokens, 0))
    right = [task.verify(c.text, i.gold).strict for c, i in zip(done, items, strict=True)]
    return sum(right) / len(right)


@pytest.mark.parametrize("name", STUDENTS)
def test_students_master_what_is_known_and_not_what_is_unseen(name: str) -> None:
    assert accuracy(name, (1, 2)) > 0.9
    assert accuracy(name, (4, 5)) < 0.15


def test_their_teacher_has_learnt_it_all() -> None:
    assert accuracy(TEACHER, (1, 2, 3, 4, 5)) > 0.9


@pytest.mark.parametrize("name", STUDENTS)
def test_students_know_logic_before_training(name: str) -> None:
    assert accuracy(name, (1, 2, 3, 4, 5), "lab_logiqa", 100) > 0.4


def test_all_speak_the_same_language() -> None:
    """Distillation compares distributions token by token."""
    shared = load_tokenizer(model_path(TEACHER)).get_vocab()
    for name in STUDENTS:
        vocabulary = load_tokenizer(model_path(name)).get_vocab()
        assert {token: vocabulary[token] for token in shared} == shared


def test_an_unknown_one_is_told_apart() -> None:
    with pytest.raises(RequestError, match="did you mean 'lab-teacher'"):
        model_path("lab-teachr")
