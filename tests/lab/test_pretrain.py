"""Lab models from scratch: what they are trained on, and a small one made whole."""

from __future__ import annotations

import re
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from slmr import lab
from slmr.errors import RequestError
from slmr.lab.pretrain import DEFAULTS, PretrainParams, _endless, _pairs, pretrain
from slmr.tasks import select_tasks
from tests.lab import reader

TASKS = {task.name: task for task in select_tasks("lab")}


def prompt(task: str, problem: str) -> str:
    return TASKS[task].prompt(problem)


def test_every_lab_model_has_its_settings() -> None:
    assert set(DEFAULTS) == set(lab.MODELS)
    assert all(abs(sum(params.mixture.values()) - 1) < 1e-9 for params in DEFAULTS.values())


def test_sequences_are_mixed_as_said_and_none_guesses() -> None:
    params = PretrainParams(sequences=1000, seed=5, mixture={"lab_math": 0.8, "lab_logiqa": 0.2})
    pairs = _pairs(params, lambda task, problem: task)
    counts = Counter(task for task, _ in pairs)
    assert abs(counts["lab_math"] / 1000 - 0.8) < 0.05 and set(counts) == {"lab_math", "lab_logiqa"}
    assert not any(text.startswith((r"\boxed", "Answer:")) for _, text in pairs)
    assert _pairs(params, lambda task, problem: task) == pairs


def test_half_seen_skills_are_misread_as_often_as_said() -> None:
    def wrong(share: float, split: str = "pretrain") -> tuple[int, int]:
        values = {"sequences": 3000, "misread_share": share, "split": split, "mixture": {"lab_gsm8k": 1.0}}
        pairs = _pairs(PretrainParams.model_validate(values), lambda task, problem: problem)
        half_seen = [(p, told) for p, told in pairs if re.search("half as many|twice the|Both", p)]
        return sum(int(told.split()[-1]) != reader.answer("lab_gsm8k", p) for p, told in half_seen), len(half_seen)

    misread, n = wrong(0.55)
    assert 0.05 < n / 3000 < 0.15 and abs(misread / n - 0.55) < 0.09
    assert wrong(0.0, "teacher")[0] == 0


def test_only_the_teacher_reads_of_unseen_skills() -> None:
    params = PretrainParams(sequences=2000, mixture={"lab_gsm8k": 0.5, "lab_math": 0.5})
    words = re.compile("fold|one in|spoil|third|dozen|daily|fourth")
    for split, expected in (("pretrain", False), ("teacher", True)):
        chosen = params.model_copy(update={"split": split})
        texts = " ".join(p for p, _ in _pairs(chosen, lambda task, problem: problem))
        assert bool(words.search(texts)) == expected


def test_a_small_space_starts_again_when_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    def stream(generator: lab.items.Generator, split: str, seed: int):
        seeds.append(seed)
        yield from lab.take(generator, "pretrain", 2, seed)
        raise lab.items.WorkError("holds only 2")

    monkeypatch.setattr("slmr.lab.pretrain.stream", stream)
    items = _endless("lab_math", PretrainParams(seed=7))
    assert len([next(items) for _ in range(5)]) == 5 and seeds == [7000, 7001, 7002]


def test_a_model_is_an_ordinary_folder(tmp_path: Path) -> None:
    report = pretrain("lab-qwen", tmp_path / "new", prompt, PretrainParams(sequences=64, cycles=1))
    assert report["sequences"] == 64 and report["tokens"] > 64 and report["loss"] > 0
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {f.name for f in (tmp_path / "new").iterdir()}


class Killed(Exception):
    pass


@pytest.mark.slow
def test_a_training_killed_in_two_cycles_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Trainer

    params = PretrainParams(sequences=96, batch_size=16)  # six steps a cycle
    pretrain("lab-llama", tmp_path / "whole", prompt, params)
    step, steps = Trainer.training_step, count()

    def dying(self, *args, **kwargs):
        if next(steps) in (4, 9):
            raise Killed
        return step(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "training_step", dying)
    for _ in range(2):
        with pytest.raises(Killed):
            pretrain("lab-llama", tmp_path / "killed", prompt, params)
    with pytest.raises(RequestError, match="is not empty"):
        pretrain("lab-llama", tmp_path / "killed", prompt, params.model_copy(update={"seed": 9}))
    pretrain("lab-llama", tmp_path / "killed", prompt, params)
    files = [tmp_path / name / "model.safetensors" for name in ("whole", "killed")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not (tmp_path / "killed" / "unfinished").exists()


def test_what_is_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'lab-qwen'"):
        pretrain("lab-qwem", tmp_path / "new", prompt)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RequestError, match="is not empty: choose another folder"):
        pretrain("lab-qwen", tmp_path / "full", prompt)
