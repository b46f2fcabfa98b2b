"""Our decoding against transformers' own `generate` and against plain forward passes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.decode import Decoding, Row, decode
from slmr.engines.draws import pick, uniforms
from slmr.engines.sampler import Sampler, slots_are_right
from slmr.engines.slots import SlotCache
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.lab import model_path
from slmr.tasks.registry import load_task

LAB = EngineSettings(device="cpu", dtype="float32")
WORDS = st.lists(st.integers(5, 700), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def llama() -> Any:
    return load_model(model_path("lab-llama")).eval()


def tiny(kind: str, **changes: Any) -> Any:
    """A small random model of an architecture."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
             "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
    config = AutoConfig.for_model(kind, **{**sizes, **changes})
    return AutoModelForCausalLM.from_config(config).eval()


def plain_greedy(model: Any, prompt: list[int], tokens: int) -> list[int]:
    """Token by token, with a whole forward pass for each."""
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(tokens):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def greedy(model: Any, prompts: list[list[int]], tokens: int, slots: int) -> list[list[int]]:
    how = Decoding(tokens, 0.0, frozenset(), 0)
    rows = decode(model, [Row(i, tuple(p), i) for i, p in enumerate(prompts)], slots, how)
    return [row.ids for row in sorted(rows, key=lambda row: row.index)]


@settings(max_examples=25, deadline=None)
@given(prompts=st.lists(WORDS, min_size=1, max_size=7), slots=st.integers(1, 9), tokens=st.integers(1, 12))
def test_greedy_is_what_plain_forward_passes_give(
    llama: Any, prompts: list[list[int]], slots: int, tokens: int
) -> None:
    """Whatever the lengths, the number of slots, refills and repeated prompts."""
    prompts = [*prompts, prompts[0]]
    assert greedy(llama, prompts, tokens, slots) == [plain_greedy(llama, p, tokens) for p in prompts]


@pytest.mark.slow
def test_compiled_steps_give_the_same_completions(tmp_path: Path) -> None:
    """Refills, repeated prompts, a last row alone; and whatever was asked before. One layer compiles in less time."""
    student = load_model(model_path("lab-llama"), "cpu")
    student.model.layers = student.model.layers[:1]
    student.config.num_hidden_layers = 1
    student.save_pretrained(tmp_path)
    load_tokenizer(model_path("lab-llama")).save_pretrained(tmp_path)
    prompts = [
        Prompt(i.problem, sample_index=d) for i in load_task("lab_mawps").items("test", 5) for d in range(2)
    ]
    engines = [
        open_engine(tmp_path, LAB.model_copy(update={"batch_size": 4, "compile": c})) for c in (False, True)
    ]
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
    (row,) = sampler.run([Row(0, prompt, 0)], Sampling(0.0, 6, 0), 4)
    expected = plain_greedy(model, list(prompt), 6)
    ends = [i for i, token in enumerate(expected) if token in sampler.ends]
    assert row.ids == expected[: ends[0] + 1 if ends else 6]


def test_a_sliding_window_is_never_run_through_slots() -> None:
    assert not slots_are_right(tiny("mistral", sliding_window=8))


def test_completions_equal_those_of_generate(llama: Any) -> None:
    """A batch of real prompts, against `model.generate` on the same batch."""
    tokenizer, task = load_tokenizer(model_path("lab-llama")), load_task("lab_gsm8k")
    engine = open_engine(model_path("lab-llama"), LAB)
    items = task.items("validation", 48)
    ours = engine.generate([Prompt(task.prompt(item.problem)) for item in items], Sampling(0.0, 60, 0))
    chats = [[{"role": "user", "content": task.prompt(item.problem)}] for item in items]
    inputs = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
    )
    with torch.inference_mode():
        theirs = llama.generate(**inputs, max_new_tokens=60, do_sample=False)[
            :, inputs["input_ids"].shape[1] :
        ]
    assert [c.text for c in ours] == tokenizer.batch_decode(theirs, skip_special_tokens=True)


def test_logprobs_are_those_of_the_distribution_drawn_from(llama: Any) -> None:
    engine: Any = open_engine(model_path("lab-llama"), LAB)
    prompt = Prompt("Tom has 3 apples.")
    for temperature in (0.0, 0.7, 1.0):
        (done,) = engine.generate([prompt], Sampling(temperature, 12, 5))
        head = engine.tokenizer.apply_chat_template(prompt.messages(), add_generation_prompt=True)[
            "input_ids"
        ]
        with torch.inference_mode():
            logits = llama(input_ids=torch.tensor([[*head, *done.token_ids]])).logits[0, len(head) - 1 : -1]
        logprobs = (logits / (temperature or 1.0)).log_softmax(-1)
        expected = [float(logprobs[i, token]) for i, token in enumerate(done.token_ids)]
        assert done.logprobs == pytest.approx(expected, abs=1e-4)


def test_a_draw_does_not_depend_on_what_shares_the_batch() -> None:
    engine = open_engine(model_path("lab-qwen"), LAB)
    task = load_task("lab_gsm8k")
    prompts = [
        Prompt(task.prompt(i.problem), sample_index=d) for i in task.items("validation", 12) for d in range(3)
    ]
    whole = engine.generate(prompts, Sampling(1.0, 60, 3))
    part = engine.generate(prompts[10:20], Sampling(1.0, 60, 3))
    assert [c.text for c in part] == [c.text for c in whole[10:20]]
    assert len({c.text for c in whole[:3]}) > 1  # three draws of one prompt
    other = engine.generate(prompts, Sampling(1.0, 60, 4))
    assert [c.text for c in other] != [c.text for c in whole]


def test_both_paths_draw_the_same() -> None:
    """Slots and `generate` are two ways to the same completions."""
    engine: Any = open_engine(model_path("lab-llama"), LAB)
    task = load_task("lab_mawps")
    prompts = [Prompt(task.prompt(item.problem)) for item in task.items("validation", 20)]
    through_slots = engine.generate(prompts, Sampling(1.0, 40, 0))
    engine._sampler.slots = False
    through_generate = engine.generate(prompts, Sampling(1.0, 40, 0))
    assert [c.token_ids for c in through_slots] == [c.token_ids for c in through_generate]
    for a, b in zip(through_slots, through_generate, strict=True):
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-4)


def test_stop_texts_end_and_cut_a_completion() -> None:
    engine = open_engine(model_path("lab-llama"), LAB)
    prompt = Prompt(load_task("lab_gsm8k").prompt("Tom has 3 apples. He buys 4 more. How many has he?"))
    (free,) = engine.generate([prompt], Sampling(0.0, 40, 0))
    (cut,) = engine.generate([prompt], Sampling(0.0, 40, 0, stop=("=",)))
    assert "=" in free.text and cut.text == free.text.split("=")[0]
    assert cut.finish_reason == "stop" and cut.tokens < free.tokens
    (short,) = engine.generate([prompt], Sampling(0.0, 2, 0))
    assert short.finish_reason == "length" and short.tokens == 2


def out_of_memory(real: Callable[..., Any], most: int) -> Callable[..., Any]:
    """`decode`, on a machine that holds so many rows."""

    def run(model: Any, rows: Any, slots: int, how: Any) -> Any:
        for done, row in enumerate(real(model, rows, slots, how)):
            if slots > most and done == 2:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            yield row

    return run


def test_out_of_memory_halves_the_batch_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = open_engine(model_path("lab-llama"), LAB.model_copy(update={"batch_size": 16}))
    prompts = [Prompt(f"Tom has {n} apples.") for n in range(20)]
    expected = [c.token_ids for c in engine.generate(prompts, Sampling(1.0, 20, 0))]
    monkeypatch.setattr("slmr.engines.sampler.decode", out_of_memory(decode, 4))
    heard: list[int] = []
    done = engine.generate(prompts, Sampling(1.0, 20, 0), lambda i, _: heard.append(i))
    assert [c.token_ids for c in done] == expected
    assert sorted(heard) == list(range(20)) and engine.batch_size == 4


def test_out_of_memory_with_one_row_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(model_path("lab-llama"), LAB.model_copy(update={"batch_size": 1}))
    monkeypatch.setattr("slmr.engines.sampler.decode", out_of_memory(decode, 0))
    with pytest.raises(Exception, match="use a smaller model or dtype=bfloat16"):
        engine.generate([Prompt(str(n)) for n in range(5)], Sampling(0.0, 4, 0))


def test_other_errors_are_not_taken_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(model_path("lab-llama"), LAB)

    def broken(*_: Any) -> Any:
        raise RuntimeError("a real fault")

    monkeypatch.setattr("slmr.engines.sampler.decode", broken)
    with pytest.raises(RuntimeError, match="a real fault"):
        engine.generate([Prompt("x")], Sampling(0.0, 4, 0))


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    data=st.data(),
)
def test_keeping_rows_moves_each_with_its_contents(lengths: list[int], data: st.DataObject) -> None:
    cache = SlotCache(len(lengths), 12, torch.device("cpu"))
    states = torch.arange(len(lengths), dtype=torch.float32)[:, None, None, None].expand(-1, 1, 9, 2)
    with cache.admitting(lengths, range(len(lengths))):
        cache.update(states, -states, 0)
    kept = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True).map(sorted))
    moved = cache.keep(kept)
    assert sorted(moved) == kept and cache.active == len(kept)
    for slot, was in enumerate(moved):
        assert int(cache.lengths[slot]) == lengths[was]
        assert (cache._keys[0][slot, 0, : lengths[was]] == was).all()
        assert (cache._values[0][slot, 0, : lengths[was]] == -was).all()


def test_uniforms_are_uniform_and_fixed() -> None:
    draws = uniforms(range(20_000), [3] * 20_000)
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 4 / math.sqrt(12 * len(draws))
    counts, _ = torch.tensor(draws).histc(20, 0, 1).sort()
    assert counts[0] > 850 and counts[-1] < 1150
    assert uniforms([2**64 - 1, 0], [7, 0]).tolist() == uniforms([2**64 - 1, 0], [7, 0]).tolist()
    assert uniforms([0], [0])[0] == pytest.approx(0xE220A8397B1DCDAF / 2**64)  # SplitMix64's first output


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    probabilities = torch.tensor([0.5, 0.0, 0.2, 0.3])
    draws = uniforms(range(20_000), [0] * 20_000)
    tokens, logprobs = pick(probabilities.log().expand(len(draws), -1), 1.0, draws)
    shares = torch.bincount(tokens, minlength=4) / len(draws)
    assert shares.tolist() == pytest.approx(probabilities.tolist(), abs=0.015) and shares[1] == 0
    assert logprobs.exp().tolist() == pytest.approx(probabilities[tokens].tolist(), abs=1e-6)


@pytest.mark.parametrize("examples", [(), (("1 + 1?", "#### 2"),)])
def test_prompts_without_a_chat_template(tmp_path: Path, examples: tuple[tuple[str, str], ...]) -> None:
    from slmr.engines.transformers import encode

    tokenizer = load_tokenizer(model_path("lab-llama"))
    tokenizer.chat_template = None
    ids = encode(tokenizer, Prompt("Tom has 3 apples.", examples=examples))
    text = "1 + 1? #### 2\n\n" if examples else ""
    assert ids == tokenizer(f"{text}Tom has 3 apples.")["input_ids"]
