"""The shipped models: what each can do, greedily, on problems that none of them was trained on."""

from __future__ import annotations

import pytest

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.transformers import load_tokenizer
from slmr.errors import RequestError
from slmr.lab import STUDENTS, TEACHER, model_path
from slmr.tasks.registry import load_task


def accuracy(name: str, task_name: str = "lab_gsm8k", n: int = 96) -> float:
    task = load_task(task_name)
    items = task.items("validation", n)
    engine = open_engine(model_path(name), EngineSettings(device="cpu", batch_size=96))
    done = engine.generate([Prompt(task.prompt(i.problem)) for i in items], Sampling(0.0, task.max_tokens, 0))
    return sum(task.verify(c.text, i.gold).strict for c, i in zip(done, items, strict=True)) / n


def test_students_half_know_what_their_teacher_knows() -> None:
    taught = accuracy(TEACHER)
    assert taught > 0.8
    for name in STUDENTS:
        assert 0.3 < accuracy(name) < taught - 0.1


def test_all_speak_the_same_language() -> None:
    """Distillation compares distributions token by token."""
    shared = load_tokenizer(model_path(TEACHER)).get_vocab()
    for name in STUDENTS:
        vocabulary = load_tokenizer(model_path(name)).get_vocab()
        assert {token: vocabulary[token] for token in shared} == shared


def test_an_unknown_one_is_told_apart() -> None:
    with pytest.raises(RequestError, match="did you mean 'lab-teacher'"):
        model_path("lab-teachr")
