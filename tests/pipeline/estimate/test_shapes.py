"""Sizes of models: those that are known, and those that a folder tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.engines.transformers import load_model
from slmr.lab import model_path
from slmr.pipeline.estimate import KNOWN, shape_of

QWEN = KNOWN["Qwen/Qwen2.5-0.5B-Instruct"]
LLAMA = KNOWN["meta-llama/Llama-3.2-1B-Instruct"]


def test_the_papers_students_have_their_known_sizes() -> None:
    assert QWEN.parameters == 494_032_768  # what the hub's files hold
    assert LLAMA.parameters == 1_235_814_400


@pytest.mark.parametrize("name", ["lab-llama", "lab-qwen"])
def test_the_sizes_of_a_folder_are_those_of_its_model(name: str) -> None:
    shape = shape_of(model_path(name))
    assert shape is not None
    assert shape.parameters == load_model(model_path(name), "cpu").num_parameters()
    assert shape_of(Path("nowhere")) is None
