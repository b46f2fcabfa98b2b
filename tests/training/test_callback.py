"""The callback inside a plain TRL run: paired, fixed, honest about the best, and no part of the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.lab import model_path
from slmr.training import SlmrCallback
from slmr.training.callback import optimism


def trained(folder: Path, *callbacks: Any, follow: bool = False) -> Any:
    """A plain GRPO training of TRL's, two steps."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from slmr.rewards import reward
    from slmr.tasks.registry import load_task

    task = load_task("lab_gsm8k")
    rows = [{"prompt": task.prompt(i.problem), "gold": i.gold} for i in task.items("train", 8)]
    config = GRPOConfig(
        str(folder),
        max_steps=2,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=24,
        learning_rate=1e-3,
        logging_steps=1,
        use_cpu=True,
        bf16=False,
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
        seed=3,
    )
    source = model_path("lab-llama")
    trainer = GRPOTrainer(
        load_model(source),
        [reward("numeric")],
        config,
        Dataset.from_list(rows),
        processing_class=load_tokenizer(source),
        callbacks=list(callbacks),
    )
    if follow:
        callbacks[0].follow(trainer)
    trainer.train()
    return trainer


def test_inside_trl_it_measures_the_same_items_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = SlmrCallback("lab_gsm8k,lab_mawps", every=1, items=6, max_tokens=32)
    with_it = trained(tmp_path / "a", callback, follow=True)
    without = trained(tmp_path / "b")
    for ours, theirs in zip(with_it.model.parameters(), without.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert [(p.task, p.step) for p in callback.points] == [
        (task, step) for task in ("lab_gsm8k", "lab_mawps") for step in (0, 1, 2)
    ]
    assert all(p.right.shape == (6,) for p in callback.points) and callback.points[0].change.mean == 0
    logged = [row for row in with_it.state.log_history if "slmr/lab_mawps/accuracy" in row]
    assert [row["step"] for row in logged] == [0, 1, 2]
    assert [best.task for best in callback.best()] == ["lab_gsm8k", "lab_mawps"]
    assert "points come from choosing the best step" in capsys.readouterr().err
    steps = [row for row in with_it.state.log_history if "reward" in row]
    assert len(steps) == 2  # what TRL gathers of a step is still logged


@pytest.mark.parametrize("same", [0.0, 0.6])
def test_the_optimism_is_what_other_items_take_away(same: float) -> None:
    """Eight points of one true accuracy, with a share of the items that all points answer alike."""
    rng = np.random.default_rng(0)
    said, came = [], []
    for i in range(60):
        shared = rng.random(200) < same
        base = rng.random(200) < 0.5
        right = np.where(shared, base, rng.random((8, 200)) < 0.5).astype(float)
        said.append(optimism(right, seed=i))
        came.append(right.mean(axis=1).max() - 0.5 - (base[shared].sum() - 0.5 * shared.sum()) / 200)
    assert np.mean(said) == pytest.approx(np.mean(came), abs=0.012)


def test_a_point_that_is_truly_the_best_owes_little_to_luck() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((4, 200)) < np.array([[0.2], [0.3], [0.4], [0.9]])).astype(float)
    assert optimism(right) < 0.005 and optimism(right[:1]) == 0


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(RequestError, match="did you mean 'lab_gsm8k'"):
        SlmrCallback("lab_gsm8", every=5)
    with pytest.raises(RequestError, match="every must be at least 1"):
        SlmrCallback("lab_gsm8k", every=0)
