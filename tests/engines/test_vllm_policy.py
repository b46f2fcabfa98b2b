"""The weights that a running vLLM is handed, without vLLM: names and values of a saved model, adapters added."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file

from slmr.engines.transformers import load_model
from slmr.engines.vllm_policy import policy_weights
from slmr.lab import model_path

MODEL = model_path("lab-llama")


def test_a_models_weights_are_those_that_it_is_saved_with(tmp_path: Path) -> None:
    model = load_model(MODEL, "cpu")
    model.save_pretrained(tmp_path)
    saved, handed = load_file(tmp_path / "model.safetensors"), dict(policy_weights(model))
    assert saved.keys() == handed.keys()
    assert all(torch.equal(saved[name], weight) for name, weight in handed.items())


def test_a_lora_adapter_is_added_and_the_model_left_as_it_is(tmp_path: Path) -> None:
    torch.manual_seed(0)
    adapted = get_peft_model(
        load_model(MODEL, "cpu"),
        LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False),
    )
    before = {name: parameter.clone() for name, parameter in adapted.named_parameters()}
    handed = dict(policy_weights(adapted))
    assert all(torch.equal(before[name], parameter) for name, parameter in adapted.named_parameters())
    adapted.merge_and_unload().save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert saved.keys() == handed.keys()
    assert all(torch.allclose(saved[name], weight, atol=1e-6) for name, weight in handed.items())
    plain = dict(policy_weights(load_model(MODEL, "cpu")))
    changed = {name for name, weight in handed.items() if not torch.equal(weight, plain[name])}
    assert changed == {name for name in plain if "q_proj" in name or "down_proj" in name}
