"""The transformers engine: its completions are those of plain generation, and memory that runs out costs time alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.decode import decode
from slmr.engines.transformers import load_tokenizer, usable_device
from slmr.errors import RequestError
from slmr.lab import model_path
from slmr.tasks.registry import load_task

LAB = EngineSettings(device="cpu", dtype="float32")


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
        theirs = llama.generate(**inputs, max_new_tokens=60, do_sample=False)[:, inputs["input_ids"].shape[1] :]
    assert [c.text for c in ours] == tokenizer.batch_decode(theirs, skip_special_tokens=True)


def test_a_draw_does_not_depend_on_what_shares_the_batch() -> None:
    engine = open_engine(model_path("lab-qwen"), LAB)
    task = load_task("lab_gsm8k")
    prompts = [Prompt(task.prompt(i.problem), sample_index=d) for i in task.items("validation", 12) for d in range(3)]
    whole = engine.generate(prompts, Sampling(1.0, 60, 3))
    part = engine.generate(prompts[10:20], Sampling(1.0, 60, 3))
    assert [c.text for c in part] == [c.text for c in whole[10:20]]
    draws = [{c.text for c in whole[i : i + 3]} for i in range(0, len(whole), 3)]  # three of each prompt
    assert max(map(len, draws)) > 1  # what is mastered is answered alike
    other = engine.generate(prompts, Sampling(1.0, 60, 4))
    assert [c.text for c in other] != [c.text for c in whole]


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


@pytest.mark.parametrize("examples", [(), (("1 + 1?", "#### 2"),)])
def test_prompts_without_a_chat_template(tmp_path: Path, examples: tuple[tuple[str, str], ...]) -> None:
    from slmr.engines.transformers import encode

    tokenizer = load_tokenizer(model_path("lab-llama"))
    tokenizer.chat_template = None
    ids = encode(tokenizer, Prompt("Tom has 3 apples.", examples=examples))
    text = "1 + 1? #### 2\n\n" if examples else ""
    assert ids == tokenizer(f"{text}Tom has 3 apples.")["input_ids"]


def test_a_model_is_loaded_without_scikit_learn_and_scipy() -> None:
    """transformers would import them, for assisted decoding and object detection, and it takes longer than torch."""
    script = (
        "import sys; from slmr.config import EngineSettings; from slmr.engines import open_engine\n"
        "from slmr.lab import model_path; open_engine(model_path('lab-llama'), EngineSettings(device='cpu'))\n"
        "from transformers import utils; assert utils.is_sklearn_available() and utils.is_scipy_available()\n"
        "sys.exit('sklearn' in sys.modules or 'scipy.optimize' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("device", ["cuda:99", "foo", ""])
def test_a_device_that_is_not_here_is_one_line(device: str) -> None:
    with pytest.raises(RequestError, match=f"device {device}: torch .* cannot use it here") as caught:
        usable_device(device)
    assert "\n" not in str(caught.value)
    assert usable_device("cpu") == "cpu"
