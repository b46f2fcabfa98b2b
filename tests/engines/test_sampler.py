"""Which models decode through slots, and that every path samples the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings, Truncation
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.decode import Generation
from slmr.engines.sampler import Sampler, end_tokens, slots_are_right
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.lab import model_path
from slmr.tasks.registry import load_task
from tests.engines.common import greedy, plain_greedy

LAB = EngineSettings(device="cpu", dtype="float32")


def tiny(kind: str, **changes: Any) -> Any:
    """A small random model of an architecture."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes = {
        "vocab_size": 97,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
    }
    config = AutoConfig.for_model(kind, **{**sizes, **changes})
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.slow
def test_compiled_steps_give_the_same_completions(tmp_path: Path) -> None:
    """Refills, repeated prompts, a last row alone; and whatever was asked before. One layer compiles in less time."""
    student = load_model(model_path("lab-llama"), "cpu")
    student.model.layers = student.model.layers[:1]
    student.config.num_hidden_layers = 1
    student.save_pretrained(tmp_path)
    load_tokenizer(model_path("lab-llama")).save_pretrained(tmp_path)
    prompts = [Prompt(i.problem, sample_index=d) for i in load_task("lab_mawps").items("test", 5) for d in range(2)]
    engines = [open_engine(tmp_path, LAB.model_copy(update={"batch_size": 4, "compile": c})) for c in (False, True)]
    for sampling in (Sampling(0.0, 12, 0), Sampling(1.0, 12, 0)):
        eager, compiled = ([c.token_ids for c in e.generate(prompts, sampling)] for e in engines)
        assert eager == compiled
    again = open_engine(tmp_path, LAB.model_copy(update={"batch_size": 4, "compile": True}))
    assert again.generate(prompts, Sampling(1.0, 12, 0)) == engines[1].generate(prompts, Sampling(1.0, 12, 0))


def test_what_cannot_be_compiled_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: object, **__: object) -> Any:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: no_compiler)
    with pytest.raises(RequestError, match="cannot be compiled here"):
        open_engine(model_path("lab-llama"), LAB.model_copy(update={"compile": True}))


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "olmo2", "phi3", "granite", "gemma"])
def test_architectures_through_slots(kind: str) -> None:
    extra = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2} if kind == "phi3" else {}
    model = tiny(kind, **extra)
    assert slots_are_right(model)
    prompts = [[5, 6, 7], [8, 9, 10, 11, 12, 13], [14]]
    assert greedy(model, prompts, 6, 2) == [plain_greedy(model, p, 6) for p in prompts]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mistral", {"sliding_window": 8}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}),
        ("gemma2", {"sliding_window": 8, "head_dim": 8}),
        ("gpt2", {"n_positions": 128, "n_embd": 32, "n_head": 4, "n_layer": 2}),
        ("mamba", {"state_size": 4, "pad_token_id": 0}),
    ],
)
def test_what_slots_cannot_run_goes_through_generate(kind: str, changes: dict[str, Any]) -> None:
    """Right either way: a sliding window, soft caps, other position encodings, a recurrent model."""
    model = tiny(kind, **changes)
    tokenizer = load_tokenizer(model_path("lab-llama"))
    sampler = Sampler(model, tokenizer)
    prompt = tuple(range(5, 25))
    (row,) = sampler.run([Generation(0, prompt, 0)], Sampling(0.0, 6, 0), 4)
    expected = plain_greedy(model, list(prompt), 6)
    ends = [i for i, token in enumerate(expected) if token in sampler.ends]
    assert row.ids == expected[: ends[0] + 1 if ends else 6]


def test_a_sliding_window_is_never_run_through_slots() -> None:
    assert not slots_are_right(tiny("mistral", sliding_window=8))


@pytest.mark.parametrize("truncation", [Truncation(), Truncation(top_p=0.9, top_k=20)])
def test_both_paths_draw_the_same(truncation: Truncation) -> None:
    """Slots and `generate` are two ways to the same completions."""
    engine: Any = open_engine(model_path("lab-llama"), LAB)
    task = load_task("lab_mawps")
    prompts = [Prompt(task.prompt(item.problem)) for item in task.items("validation", 20)]
    sampling = Sampling(1.0, 40, 0, truncation=truncation)
    through_slots = engine.generate(prompts, sampling)
    engine._sampler.slots = False
    through_generate = engine.generate(prompts, sampling)
    assert [c.token_ids for c in through_slots] == [c.token_ids for c in through_generate]
    for a, b in zip(through_slots, through_generate, strict=True):
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-4)


CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        (CHATML, True),
        (None, False),
        ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", False),  # no token of its own
        ("{{ raise_exception('user turns only') }}", False),
    ],
)
def test_the_turn_end_of_a_chat_template_ends_a_completion(template: str | None, named: bool) -> None:
    """As in a base model whose configs name only the end of a document."""
    tokenizer = load_tokenizer(model_path("lab-llama"))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = template  # type: ignore[assignment]
    turn_end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    ends = end_tokens(tokenizer, model_path("lab-llama"))
    assert tokenizer.eos_token_id in ends and (turn_end in ends) == named
    assert len(ends) == 1 + named
