"""What is measured of this machine: that it is the model's, and that nothing of it stays."""

from __future__ import annotations

import torch

from slmr.lab import model_path
from slmr.pipeline.estimate import ASSUMED, measure
from slmr.tasks.registry import load_task

LAB = model_path("lab-llama")


def test_lab_tasks_bring_their_own_lengths() -> None:
    before = torch.get_num_threads()
    speed, assumed = measure(LAB, [load_task("lab_gsm8k"), load_task("lab_math")], 1)
    assert min(speed.generated, speed.read, speed.trained) > 0 and speed.threads == 1
    assert speed.read < speed.trained  # it is a part of it
    assert 5 < assumed.prompt_tokens < 110 and 2 < (assumed.completion_tokens or 0) <= 80
    assert torch.get_num_threads() == before


def test_elsewhere_lengths_stay_assumed() -> None:
    speed, assumed = measure(LAB, [load_task("svamp")], None)
    assert min(speed.generated, speed.read, speed.trained) > 0 and assumed == ASSUMED
