"""What a plan is said to cost: sizes that are known, and how the figures move with what they depend on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slmr.config import EngineSettings, LoraSettings, TrainingSettings, load_profile
from slmr.engines.transformers import load_model
from slmr.lab import model_path
from slmr.pipeline.estimate import ASSUMED, KNOWN, Machine, ModelShape, StageEstimate, estimate, shape_of
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import load_recipe
from tests.in_process import slmr

QWEN = KNOWN["Qwen/Qwen2.5-0.5B-Instruct"]
LLAMA = KNOWN["meta-llama/Llama-3.2-1B-Instruct"]


def machine(gpus: int = 1, **training: Any) -> Machine:
    return Machine(gpus, TrainingSettings(processes=gpus, **training))


def test_the_papers_students_have_their_known_sizes() -> None:
    assert QWEN.parameters == 494_032_768  # what the hub's files hold
    assert LLAMA.parameters == 1_235_814_400


@pytest.mark.parametrize("name", ["lab-llama", "lab-qwen"])
def test_the_sizes_of_a_folder_are_those_of_its_model(name: str) -> None:
    shape = shape_of(model_path(name))
    assert shape is not None
    assert shape.parameters == load_model(model_path(name), "cpu").num_parameters()
    assert shape_of(Path("nowhere")) is None


def test_training_takes_6_n_flops_a_token_and_8_where_activations_are_made_again() -> None:
    per_s = ASSUMED.peak_flops * ASSUMED.train_share
    assert machine().train_s(QWEN, 1e6) == pytest.approx(6 * QWEN.parameters * 1e6 / per_s)
    again = machine(gradient_checkpointing=True).train_s(QWEN, 1e6)
    assert again == pytest.approx(machine().train_s(QWEN, 1e6) * 8 / 6)
    assert machine(8).train_s(QWEN, 1e6) == pytest.approx(machine().train_s(QWEN, 1e6) / 8 / ASSUMED.scaling)


@pytest.mark.parametrize(
    ("gpus", "training", "a_weight"),
    [
        (1, {}, 16), (8, {}, 20), (8, {"strategy": "zero2"}, 5.5), (8, {"strategy": "zero3"}, 2),
        (8, {"strategy": "fsdp"}, 2),
    ],
)  # fmt: skip
def test_what_each_gpu_holds_of_the_states(gpus: int, training: dict[str, Any], a_weight: float) -> None:
    assert machine(gpus, **training).states_bytes(LLAMA) == pytest.approx(a_weight * LLAMA.parameters)


def test_adapters_need_little_beside_the_weights() -> None:
    lora = LoraSettings(rank=16)
    assert QWEN.adapters(lora) == 24 * 16 * (2 * 2 * 896 + 2 * (896 + 128) + 3 * (896 + 4864))
    assert machine(lora=lora).states_bytes(QWEN) < 5 * QWEN.parameters


def test_recomputed_activations_and_shorter_passes_need_less() -> None:
    whole = machine().pass_bytes(QWEN, 32, 500, 500)
    assert machine(gradient_checkpointing=True).pass_bytes(QWEN, 32, 500, 500) < whole
    assert machine().pass_bytes(QWEN, 16, 500, 500) < whole
    assert machine().pass_bytes(QWEN, 32, 500, 500) - machine().pass_bytes(QWEN, 32, 500, 0) == pytest.approx(
        32 * 500 * 12 * QWEN.vocabulary
    )


def estimated(method: str, shape: ModelShape = QWEN, **changes: Any) -> dict[str, StageEstimate]:
    """Of a method in the paper profile, with the data's own solutions, by the label of the stage."""
    profile = load_profile("paper")
    stages = {name: {**values, **changes.get(name, {})} for name, values in profile.stages.items()}
    for name in ("teacher", "bridge", "critique"):
        stages[name] |= {"teacher": "dataset"}
    planner = Planner("student", "student", stages, EngineSettings(name="vllm"), 0, training=profile.training)
    nodes = planner.plan(load_recipe(method)).stages()
    return {e.node.label: e for e in estimate(nodes, {"student": shape}, [machine(), machine(8)])}


def test_tokens_follow_from_rows_epochs_and_completions() -> None:
    found = estimated("sft")
    rows = found["raw"].flow.rows if "raw" in found else 7223
    assert rows == 7223
    length = ASSUMED.prompt_tokens + ASSUMED.trace_tokens
    assert found["sft"].flow.trained == pytest.approx(7223 * 3 * length)
    assert found["sft"].flops == pytest.approx(6 * QWEN.parameters * 7223 * 3 * length)
    rl = estimated("grpo", grpo={"steps": 10})["grpo"].flow
    assert rl.generated == pytest.approx(10 * 64 * 8 * ASSUMED.fill * 400)
    assert rl.trained == pytest.approx(rl.generated + 10 * 64 * 8 * ASSUMED.prompt_tokens)


def test_a_larger_model_takes_longer_and_more_memory_and_eight_gpus_less() -> None:
    small, large = estimated("stagewise"), estimated("stagewise", LLAMA)
    for label, stage in small.items():
        assert stage.flow.known, label
        if stage.flops:
            assert large[label].hours[0] > 0 and large[label].flops > stage.flops
        if stage.flow.passes[0]:
            assert stage.hours[1] < stage.hours[0] and stage.gib[1] < stage.gib[0]
            assert large[label].gib[0] > stage.gib[0]


def test_a_step_of_decoding_never_takes_less_than_its_least() -> None:
    from slmr.pipeline.estimate.hardware import Call

    call = Call(8, 100, 50, 100)
    slow = Machine(1, TrainingSettings(), assumed=replace(ASSUMED, transformers_step_s=1.0))
    assert slow.decode_s(QWEN, call, "transformers") == pytest.approx(100)


def test_the_paper_profile_is_planned_without_hub_gpu_or_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    (tmp_path / "own.yaml").write_text(
        "extends: paper\nstages: {teacher: &t {teacher_model: 'http://127.0.0.1:9/v1'}, bridge: *t, critique: *t}\n"
    )
    asked = ("bench", "--profile", "own.yaml", "--method", "stagewise", "--dry-run")
    both = ("--student", "Qwen/Qwen2.5-0.5B-Instruct", "--student", "meta-llama/Llama-3.2-1B-Instruct")
    assert slmr(*asked, *both) in (0, None)
    said = capsys.readouterr().out
    for wanted in ("to do", "generated M", "PFLOP", "h x8", "GiB x1", "GPU-hours", "494,032,768 weights",
                   "1,235,814,400 weights", "train_share 0.25", "student Qwen/Qwen2.5-0.5B-Instruct: its files",
                   "teacher 'server': http://127.0.0.1:9/v1", "vllm serve MODEL"):  # fmt: skip
        assert wanted in said, wanted
    assert not (tmp_path / "runs").exists()
