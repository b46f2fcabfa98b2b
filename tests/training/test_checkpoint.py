"""Which checkpoints count, which are kept, and what a broken one costs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import TrainerControl, TrainerState

from slmr.training import checkpoint
from slmr.training.checkpoint import Checkpoints
from slmr.training.curve import Curve
from slmr.training.sft import SftParams, sft_stage
from tests.training.test_resume import context, curve, inputs


def kept(folder: Path, step: int, curve: Curve) -> None:
    """A checkpoint of a step, as the trainer leaves it."""
    place = folder / f"checkpoint-{step}"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(b"weights")
    args: Any = SimpleNamespace(output_dir=str(folder))
    Checkpoints({"curve": curve}).on_save(args, TrainerState(global_step=step), TrainerControl())


def curve_of(*losses: float) -> Curve:
    made = Curve()
    for step, loss in enumerate(losses, 1):
        made.add(step, {"loss": loss})
    return made


def test_the_newest_is_found_and_the_others_go(tmp_path: Path) -> None:
    kept(tmp_path, 9, curve_of(3.0))
    kept(tmp_path, 10, curve_of(3.0, 0.1 + 0.2))
    restored = Curve()
    assert Checkpoints({"curve": restored}).newest(tmp_path) == str(tmp_path / "checkpoint-10")
    assert restored.rows == curve_of(3.0, 0.1 + 0.2).rows  # to the last bit
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-10"]
    assert Checkpoints({}).newest(tmp_path / "nowhere") is None


@pytest.mark.parametrize("damage", ["no list", "half a list", "cut off", "another byte", "a file is missing"])
def test_one_that_is_not_whole_is_skipped_and_removed(damage: str, tmp_path: Path) -> None:
    kept(tmp_path / "other", 10, curve_of(3.0, 2.0))
    kept(tmp_path, 9, curve_of(3.0))
    broken = (tmp_path / "other" / "checkpoint-10").rename(tmp_path / "checkpoint-10")
    match damage:
        case "no list":
            (broken / "slmr.json").unlink()
        case "half a list":
            (broken / "slmr.json").write_text((broken / "slmr.json").read_text()[:20])
        case "cut off":
            (broken / "model.safetensors").write_bytes(b"wei")
        case "another byte":
            weights = (broken / "model.safetensors").read_bytes()
            (broken / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
        case _:
            (broken / "model.safetensors").unlink()
    restored = Curve()
    assert Checkpoints({"curve": restored}).newest(tmp_path) == str(tmp_path / "checkpoint-9")
    assert restored.rows == curve_of(3.0).rows and not broken.exists()


@pytest.mark.parametrize(("seconds", "ending", "saved"), [(0.0, False, True), (0.0, True, False), (1e9, False, False)])
def test_when_one_is_made(seconds: float, ending: bool, saved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_S", seconds)
    args: Any = SimpleNamespace()
    control = TrainerControl(should_training_stop=ending)
    Checkpoints({}).on_step_end(args, TrainerState(global_step=3, max_steps=9), control)
    assert control.should_save == saved


def test_a_resumed_run_goes_on_where_it_was_and_stops_early_at_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_S", 0.0)
    given = inputs(tmp_path)
    params = SftParams(
        learning_rate=0.5, epochs=20, batch_size=8, validate_every=2, patience=3, keep="best", max_tokens=20
    )
    straight = context(tmp_path / "straight", given)
    sft_stage(straight, params)
    with pytest.raises(KeyboardInterrupt):
        sft_stage(context(tmp_path / "stopped", given, stop_at=4), params)
    (left,) = (tmp_path / "stopped" / "trainer").glob("checkpoint-*")
    assert left.name == "checkpoint-3"
    steps: list[int] = []
    resumed = context(tmp_path / "stopped", given)
    resumed.progress = lambda done, *_: steps.append(done)
    sft_stage(resumed, params)
    assert steps == [4, 5, 6]
    assert straight.stats == resumed.stats and resumed.stats["validation"]["kept_step"] == 0
    assert curve(tmp_path / "straight") == curve(tmp_path / "stopped")


def test_a_damaged_checkpoint_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_S", 0.0)
    given, params = inputs(tmp_path), SftParams(epochs=1, batch_size=4)
    sft_stage(context(tmp_path / "straight", given), params)
    with pytest.raises(KeyboardInterrupt):
        sft_stage(context(tmp_path / "stopped", given, stop_at=3), params)
    (left,) = (tmp_path / "stopped" / "trainer").glob("checkpoint-*")
    (left / "optimizer.pt").write_bytes((left / "optimizer.pt").read_bytes()[:1000])
    sft_stage(context(tmp_path / "stopped", given), params)
    files = [tmp_path / name / "model" / "model.safetensors" for name in ("straight", "stopped")]
    assert files[0].read_bytes() == files[1].read_bytes()
