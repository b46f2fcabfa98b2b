"""Sizes of models: those that are known, and those that a folder tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from slmr.engines.transformers import load_model
from slmr.lab import model_path
from slmr.pipeline.estimate import KNOWN, shape_of
from slmr.pipeline.estimate.shapes import config_of

HUB = {"Qwen/Qwen2.5-0.5B-Instruct": 494_032_768, "meta-llama/Llama-3.2-1B-Instruct": 1_235_814_400}


@pytest.mark.parametrize("name", list(KNOWN))
def test_the_papers_students_have_the_weights_that_the_hubs_files_hold(name: str) -> None:
    shape = shape_of(name)
    assert shape is not None and shape.parameters == HUB[name]


@pytest.mark.parametrize(
    ("config", "cached"),
    [
        (
            {
                "model_type": "gemma3_text",
                "num_hidden_layers": 2,
                "hidden_size": 64,
                "head_dim": 32,
                "num_attention_heads": 4,
                "num_key_value_heads": 1,
                "intermediate_size": 96,
                "vocab_size": 99,
            },
            2 * 2 * 32,
        ),
        (
            {
                "model_type": "gpt_neox",
                "num_hidden_layers": 3,
                "hidden_size": 64,
                "num_attention_heads": 4,
                "intermediate_size": 96,
                "vocab_size": 99,
            },
            2 * 3 * 64,
        ),
    ],
)
def test_any_architecture_is_counted(config: dict[str, Any], cached: int, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = shape_of(tmp_path)
    model = AutoModelForCausalLM.from_config(config_of(tmp_path))
    assert shape is not None and shape.parameters == model.num_parameters() and shape.cached == cached


def test_what_is_no_language_model_has_no_shape(tmp_path: Path) -> None:
    for kind in ("vit", "of nobody"):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
        assert shape_of(tmp_path) is None


@pytest.mark.parametrize("name", ["lab-llama", "lab-qwen"])
def test_the_sizes_of_a_folder_are_those_of_its_model(name: str) -> None:
    shape = shape_of(model_path(name))
    assert shape is not None
    assert shape.parameters == load_model(model_path(name), "cpu").num_parameters()
    assert shape_of(Path("nowhere")) is None
