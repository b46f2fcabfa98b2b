"""The lab tokenizer loses nothing, and is the same beside either student's model."""

from __future__ import annotations

import string
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slmr import lab
from slmr.lab.tokenizer import build_tokenizer
from slmr.tasks.registry import load_task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def lab_texts(n: int, seed: int = 0) -> list[str]:
    """Prompts and traces of every task."""
    texts: list[str] = []
    for name, generator in lab.GENERATORS.items():
        task = load_task(name)
        for item in lab.take(generator, "pretrain", n, seed):
            texts += [task.prompt(item.problem), item.solution.plain(), item.worked(), item.raw(0.5)]
    return texts


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer(lab_texts(400), 512)


def ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def back(tokenizer: Any, text: str) -> str:
    return str(tokenizer.decode(ids(tokenizer, text)))


def test_lab_texts_come_back_in_few_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    texts = lab_texts(100, seed=9)
    for text in texts:
        assert back(tokenizer, text) == text
    assert sum(len(ids(tokenizer, text)) for text in texts) < 0.5 * sum(map(len, texts))


def test_numbers_are_split_into_digits(tokenizer: PreTrainedTokenizerFast) -> None:
    pieces = [tokenizer.decode([i]) for i in ids(tokenizer, "Ann has 1234 apples.")]
    assert [p for p in pieces if p.strip().isdigit()] == ["1", "2", "3", "4"]
    assert {"Ann", " has", " apples"} <= set(pieces)


@example("a" * 500)
@example("x \t\r\n  y ")
@example("\\frac{1}{2} \\boxed{\\unknown} ####5")
@given(st.text(string.printable, max_size=200))
def test_any_printable_ascii_comes_back(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert back(tokenizer, text) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_any_other_text_comes_back_in_its_normal_form(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert back(tokenizer, text) == unicodedata.normalize("NFC", text)


def test_a_chat_is_the_same_tokens_as_the_plain_prompt(tokenizer: PreTrainedTokenizerFast) -> None:
    for name, generator in lab.GENERATORS.items():
        prompt = load_task(name).prompt(lab.take(generator, "test", 1)[0].problem)
        chat = [{"role": "user", "content": prompt}]
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        plain = tokenizer(prompt)["input_ids"]
        assert ids(tokenizer, str(text)) == plain
        rendered: Any = tokenizer.apply_chat_template(chat, add_generation_prompt=True)
        assert rendered["input_ids"] == plain


def test_an_answer_in_a_chat_is_closed_by_the_end_mark(tokenizer: PreTrainedTokenizerFast) -> None:
    chat = [{"role": "user", "content": "1 + 1\n"}, {"role": "assistant", "content": "#### 2"}]
    text = str(tokenizer.apply_chat_template(chat, tokenize=False))
    assert text == "1 + 1\n#### 2<eos>"
    assert ids(tokenizer, text)[-1] == tokenizer.eos_token_id


def test_the_same_texts_make_the_same_tokenizer(tokenizer: PreTrainedTokenizerFast) -> None:
    assert build_tokenizer(lab_texts(400), 512).get_vocab() == tokenizer.get_vocab()


@pytest.mark.parametrize("architecture", ["LlamaConfig", "Qwen2Config"])
def test_loaded_beside_a_model_it_is_the_same(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, architecture: str
) -> None:
    import transformers

    tokenizer.save_pretrained(tmp_path)
    getattr(transformers, architecture)(vocab_size=len(tokenizer)).save_pretrained(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in [*lab_texts(30, seed=4), string.printable]:
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
        assert back(loaded, text) == text
    assert loaded.chat_template == tokenizer.chat_template
    assert (loaded.pad_token, loaded.eos_token) == ("<pad>", "<eos>")
