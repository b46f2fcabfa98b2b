"""Lab models from scratch: what they are trained on, and a small one made whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from slmr import lab
from slmr.errors import RequestError
from slmr.lab.pretrain import DEFAULTS, PretrainParams, _endless, _pairs, pretrain
from slmr.tasks import select_tasks

TASKS = {task.name: task for task in select_tasks("lab")}


def prompt(task: str, problem: str) -> str:
    return TASKS[task].prompt(problem)


def test_every_lab_model_has_its_settings() -> None:
    assert set(DEFAULTS) == set(lab.MODELS)
    assert all(abs(sum(params.mixture.values()) - 1) < 1e-9 for params in DEFAULTS.values())


def test_sequences_are_mixed_as_said_and_some_have_no_steps() -> None:
    params = PretrainParams(
        sequences=1000, seed=5, answer_only_share=0.3, mixture={"lab_math": 0.8, "lab_logiqa": 0.2}
    )
    pairs = _pairs(params, lambda task, problem: task)
    counts = Counter(task for task, _ in pairs)
    assert abs(counts["lab_math"] / 1000 - 0.8) < 0.05 and set(counts) == {"lab_math", "lab_logiqa"}
    bare = sum(text.startswith((r"\boxed", "Answer:")) for _, text in pairs)
    assert abs(bare / 1000 - 0.3) < 0.06
    assert _pairs(params, lambda task, problem: task) == pairs


def test_a_small_space_starts_again_when_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    def stream(generator: lab.items.Generator, split: str, seed: int):
        seeds.append(seed)
        yield from lab.take(generator, "pretrain", 2, seed)
        raise lab.items.WorkError("holds only 2")

    monkeypatch.setattr("slmr.lab.pretrain.stream", stream)
    items = _endless("lab_math", 7)
    assert len([next(items) for _ in range(5)]) == 5 and seeds == [7000, 7001, 7002]


def test_a_model_is_an_ordinary_folder(tmp_path: Path) -> None:
    report = pretrain("lab-qwen", tmp_path / "new", prompt, PretrainParams(sequences=64))
    assert report["sequences"] == 64 and report["tokens"] > 64 and report["loss"] > 0
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        f.name for f in (tmp_path / "new").iterdir()
    }


def test_what_is_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'lab-qwen'"):
        pretrain("lab-qwem", tmp_path / "new", prompt)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RequestError, match="is not empty: choose another folder"):
        pretrain("lab-qwen", tmp_path / "full", prompt)
