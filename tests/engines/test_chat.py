"""Chat templates: no date of today, faults in words, variables, and thoughts that a template begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling
from slmr.engines.chat import chat_text, thought_begun
from slmr.engines.transformers import (
    TransformersEngine,
    completion_of,
    encode,
    encode_completion,
    load_tokenizer,
)
from slmr.errors import RequestError
from slmr.lab import model_path
from slmr.verify import verify

TURNS = "{% for m in messages %}<|user|>{{ m.content }}{% endfor %}"
THINKS = "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"


def tokenizer_with(template: str | None, **arguments: Any) -> Any:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize(
    "template",
    [
        "{{ strftime_now('%d %b %Y') }}" + TURNS,
        "{% if strftime_now is defined %}{% set today = strftime_now('%d %b %Y') %}{% endif %}{{ today }}" + TURNS,
    ],
)
def test_a_template_that_prints_the_date_prints_the_same_every_day(template: str) -> None:
    assert chat_text(tokenizer_with(template), Prompt("hi").messages()).startswith("26 Jul 2024")


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no user turns') }}",
        "{{ messages[7].content }}",
        "{% for %}",
        "{{ 1 / 0 }}",
        "{{ messages | nofilter }}",
        "{{ ''.join(3) }}",
    ],
)
def test_a_template_that_fails_is_one_line_that_names_the_model(template: str) -> None:
    with pytest.raises(RequestError, match="its chat template cannot render the prompt") as caught:
        encode(tokenizer_with(template), Prompt("hi"))
    assert "lab-llama" in str(caught.value) and "\n" not in str(caught.value)


def test_a_system_message_stands_in_front_of_all_turns() -> None:
    prompt = Prompt("2 + 2?", examples=(("1 + 1?", "2"),), system="Be brief.")
    assert [turn["role"] for turn in prompt.messages()] == ["system", "user", "assistant", "user"]
    shown = tokenizer_with("{% for m in messages %}[{{ m.role }}: {{ m.content | trim }}]{% endfor %}")
    assert chat_text(shown, prompt.messages()).startswith("[system: Be brief.][user: 1 + 1?]")
    assert encode(shown, prompt) != encode(shown, replace(prompt, system=""))


@pytest.mark.parametrize("template", ["{{ messages[-1].content }}", None])
def test_a_system_message_that_the_model_would_not_see_is_refused(template: str | None) -> None:
    with pytest.raises(RequestError, match=r"(leaves out the|takes no) system message"):
        encode(tokenizer_with(template), Prompt("hi", system="Be brief."))


def test_variables_of_a_template_are_set_and_stay(tmp_path: Path) -> None:
    tokenizer_with(TURNS + THINKS).save_pretrained(tmp_path)
    assert encode(load_tokenizer(tmp_path), Prompt("hi")) != encode(
        load_tokenizer(tmp_path, template_arguments={"enable_thinking": False}), Prompt("hi")
    )
    load_tokenizer(tmp_path, template_arguments={"enable_thinking": False}).save_pretrained(tmp_path / "trained")
    assert chat_text(load_tokenizer(tmp_path / "trained"), Prompt("hi").messages()) == "<|user|>hi"


def test_a_variable_that_no_template_reads_is_refused() -> None:
    with pytest.raises(RequestError, match="has no variable enable_thinking"):
        load_tokenizer(model_path("lab-llama"), template_arguments={"enable_thinking": False})


def test_settings_without_variables_keep_the_keys_that_they_had() -> None:
    identity = EngineSettings().identity(rolls_out=False)
    assert "chat_template_kwargs" not in identity
    assert EngineSettings(chat_template_kwargs={"a": 1}).identity(rolls_out=False) == identity | {
        "chat_template_kwargs": {"a": 1}
    }


def test_a_thought_that_the_template_began_and_that_was_cut_off_is_no_answer() -> None:
    tokenizer, prompt = tokenizer_with(TURNS + "<think>\n"), Prompt("2 + 2?")
    ids = tokenizer("4 + 4 = 8", add_special_tokens=False)["input_ids"]
    cut = completion_of(tokenizer, prompt, ids, (), (), ended=False)
    assert cut.text == "<think>4 + 4 = 8" and verify(cut.text, "8", "numeric").status == "no_answer"
    closed = f"{cut.text}</think>#### 4"
    assert verify(closed, "4", "numeric").strict
    # What is learnt from it is what was sampled: the tag is the prompt's.
    assert encode_completion(tokenizer, prompt, cut.text)[:-1] == list(ids)


def test_without_such_a_template_nothing_is_added() -> None:
    for tokenizer in (tokenizer_with(TURNS), tokenizer_with("<think>a</think>" + TURNS)):
        assert thought_begun(tokenizer, Prompt("hi")) == ""
    thinks = tokenizer_with(TURNS + "<think>\n")
    assert thought_begun(thinks, Prompt("hi", prefix="1.")) == thought_begun(thinks, Prompt("hi", plain=True)) == ""


def test_an_engine_asks_with_the_variables(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(model_path("lab-llama"), tmp_path / "m")
    tokenizer_with(TURNS + THINKS).save_pretrained(tmp_path / "m")
    texts = [
        TransformersEngine(tmp_path / "m", EngineSettings(device="cpu", chat_template_kwargs={"enable_thinking": on}))
        .generate([Prompt("2 + 2?")], Sampling(0.0, 2, 0))[0]
        .text
        for on in (True, False)
    ]
    assert [text.startswith("<think>") for text in texts] == [True, False]
