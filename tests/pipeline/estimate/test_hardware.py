"""Time and memory of a GPU, and how they move with what they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slmr.config import LoraSettings, TrainingSettings
from slmr.pipeline.estimate import ASSUMED, KNOWN, Machine, shape_of

QWEN, LLAMA = (shape for name in KNOWN if (shape := shape_of(name)))


def machine(gpus: int = 1, **training: Any) -> Machine:
    return Machine(gpus, TrainingSettings(processes=gpus, **training))


def test_training_takes_6_n_flops_a_token_and_8_where_activations_are_made_again() -> None:
    per_s = ASSUMED.peak_flops * ASSUMED.train_share
    assert machine().train_s(QWEN, 1e6) == pytest.approx(6 * QWEN.parameters * 1e6 / per_s)
    again = machine(gradient_checkpointing=True).train_s(QWEN, 1e6)
    assert again == pytest.approx(machine().train_s(QWEN, 1e6) * 8 / 6)
    assert machine(8).train_s(QWEN, 1e6) == pytest.approx(machine().train_s(QWEN, 1e6) / 8 / ASSUMED.scaling)


@pytest.mark.parametrize(
    ("gpus", "training", "a_weight"),
    [
        (1, {}, 16),
        (8, {}, 20),
        (8, {"strategy": "zero2"}, 5.5),
        (8, {"strategy": "zero3"}, 2),
        (8, {"strategy": "fsdp"}, 2),
    ],
)
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


def test_a_step_of_decoding_never_takes_less_than_its_least() -> None:
    from slmr.pipeline.estimate.hardware import Call

    call = Call(8, 100, 50, 100)
    slow = Machine(1, TrainingSettings(), assumed=replace(ASSUMED, transformers_step_s=1.0))
    assert slow.decode_s(QWEN, call, "transformers") == pytest.approx(100)
