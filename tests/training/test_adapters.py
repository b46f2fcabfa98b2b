"""Less memory for the same steps: adapters in the place of weights, activations made again, several passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings, LoraSettings, Passes, TrainingSettings
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.pipeline.recipe import stages
from slmr.stage import StageContext
from slmr.training.curve import CURVE
from slmr.training.trainer import Run
from tests.training.test_resume import inputs

SFT: dict[str, Any] = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3}
RL: dict[str, Any] = {"steps": 2, "group_size": 4, "prompts_per_step": 4, "max_tokens": 60, "beta": 0.01}
LORA = TrainingSettings(lora=LoraSettings(rank=4, alpha=8))


def trained(stage: str, values: dict[str, Any], place: Path, training: TrainingSettings) -> Any:
    """The model that a stage writes."""
    place.mkdir()
    context = StageContext(place, inputs(place), 3, EngineSettings(device="cpu"), lambda *_: None, training=training)
    stages()[stage].run(context, stages()[stage].parse(values, "test"))
    return load_model(place / "model")


def student() -> Any:
    return load_model(model_path("lab-llama"))


def test_only_adapters_learn(tmp_path: Path) -> None:
    context = StageContext(tmp_path, inputs(tmp_path), 3, EngineSettings(device="cpu"), lambda *_: None, training=LORA)
    opened = Run(context)
    learning = {name for name, p in opened.model.named_parameters() if p.requires_grad}
    assert learning and all("lora_" in name for name in learning)
    assert opened.parameters == student().num_parameters()


@pytest.mark.parametrize(
    ("stage", "values"),
    [
        ("sft", SFT),
        ("grpo", RL),
    ],
)
def test_what_is_saved_is_an_ordinary_model_of_which_linear_layers_moved_by_the_rank(
    stage: str, values: dict[str, Any], tmp_path: Path
) -> None:
    after, before = trained(stage, values, tmp_path / "out", LORA), student()
    assert not list((tmp_path / "out" / "model").glob("adapter*")) and load_tokenizer(tmp_path / "out" / "model")
    assert type(after) is type(before)
    ranks = {}
    for (name, new), (_, old) in zip(after.named_parameters(), before.named_parameters(), strict=True):
        moved = (new - old).detach()
        if "proj" in name:
            ranks[name] = int(torch.linalg.matrix_rank(moved, atol=1e-6)) if moved.any() else 0
        else:
            assert not moved.any(), name
    assert max(ranks.values()) <= 4 and sum(rank > 0 for rank in ranks.values()) > len(ranks) / 2


def test_recomputed_activations_and_several_passes_change_nothing(tmp_path: Path) -> None:
    plain = trained("sft", SFT, tmp_path / "plain", TrainingSettings())
    frugal = trained("sft", SFT, tmp_path / "frugal", TrainingSettings(gradient_checkpointing=True, accumulation=4))
    moved = max(float((a - b).abs().max()) for a, b in zip(plain.parameters(), student().parameters(), strict=True))
    apart = max(float((a - b).abs().max()) for a, b in zip(plain.parameters(), frugal.parameters(), strict=True))
    assert apart < 1e-5 < 1e-4 < moved
    losses = [[row["loss"] for row in read_rows(tmp_path / name / CURVE)] for name in ("plain", "frugal")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_step_of_rl_in_several_passes_has_the_same_gradient(tmp_path: Path) -> None:
    values = RL | {"steps": 1}
    found = []
    for name, training in (("plain", TrainingSettings()), ("frugal", TrainingSettings(accumulation=4))):
        trained("grpo", values, tmp_path / name, training)
        found.append(read_rows(tmp_path / name / CURVE)[-1])
    assert found[0]["grad_norm"] > 1e-3
    for column in ("grad_norm", "reward", "zero_variance"):
        assert found[0][column] == pytest.approx(found[1][column], rel=1e-4), column


def test_a_kind_of_stage_can_have_passes_of_its_own() -> None:
    shared = TrainingSettings(processes=2, accumulation=2, stages={"grpo": Passes(accumulation=8)})
    assert shared.for_stage("sft") == TrainingSettings(processes=2, accumulation=2)
    assert shared.for_stage("grpo") == TrainingSettings(processes=2, accumulation=8)
    assert shared.for_stage("sft").identity() == {"processes": 2, "accumulation": 2}
    plain = TrainingSettings(stages={"grpo": Passes(gradient_checkpointing=True)})
    assert plain.for_stage("sft").identity() == {} and plain.for_stage("grpo").identity() == {
        "gradient_checkpointing": True
    }


def test_layers_that_are_not_there_are_named(tmp_path: Path) -> None:
    training = TrainingSettings(lora=LoraSettings(targets=("nowhere",)))
    context = StageContext(
        tmp_path, inputs(tmp_path), 3, EngineSettings(device="cpu"), lambda *_: None, training=training
    )
    with pytest.raises(RequestError, match=r"lora\.targets: .*nowhere"):
        Run(context)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strategy": "fsdp"}, "set processes above 1"),
        ({"processes": 2, "strategy": "zero3", "lora": {}}, "lora takes ddp"),
        ({"proceses": 2}, "proceses"),
        ({"lora": {"rank": 0}}, "rank"),
    ],
)
def test_settings_that_contradict_each_other(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingSettings.model_validate(values)
