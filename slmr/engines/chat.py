"""A prompt as its model's chat template writes it: the same on every day, with faults of the template in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slmr.engines import Prompt
from slmr.errors import RequestError, one_line
from slmr.verify.completion import mentions_thought, open_thought

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TemplateValue = bool | int | float | str

# What a template hears that asks for today's date: a run that goes on tomorrow asks what it asked today. It is the date
# that Llama 3's own template names where no clock is.
TODAY = date(2024, 7, 26)


def chat_text(tokenizer: PreTrainedTokenizerBase, turns: Sequence[Mapping[str, str]]) -> str:
    """The turns in the tokenizer's chat template, up to where the answer begins.

    Raises:
        RequestError: the template fails on them.
    """
    try:
        return str(tokenizer.apply_chat_template(
            list(map(dict, turns)), tokenize=False, add_generation_prompt=True, strftime_now=TODAY.strftime
        ))  # fmt: skip
    except Exception as error:  # a template may fail in any way that Python can
        raise RequestError(
            f"{tokenizer.name_or_path}: its chat template cannot write the prompt"
            f" ({type(error).__name__}: {one_line(error)[:300]}): repair {tokenizer.name_or_path}/chat_template.jinja,"
            " or take another model"
        ) from None


def thought_begun(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> str:
    """The opening tag of a thought with which the template ends a prompt, so that completions lack it; else empty."""
    template = tokenizer.chat_template
    if template is None or prompt.plain or prompt.prefix or not _has_tags(str(template)):
        return ""
    return open_thought(chat_text(tokenizer, prompt.messages()[-1:]))


_has_tags = lru_cache(maxsize=16)(mentions_thought)  # most templates have none, and need no second rendering


def with_arguments(tokenizer: PreTrainedTokenizerBase, arguments: Mapping[str, TemplateValue]) -> None:
    """Sets variables of a tokenizer's chat template, such as `enable_thinking`, for good: a trained model keeps them.

    Raises:
        RequestError: the template does not know one of them.
    """
    if not arguments:
        return
    template: Any = tokenizer.chat_template
    if not isinstance(template, str):
        raise RequestError(
            f"{tokenizer.name_or_path}: chat_template_kwargs is for a model with one chat template"
        )
    for name in arguments:
        if not re.search(rf"\b{re.escape(name)}\b", template):
            raise RequestError(
                f"chat_template_kwargs: the chat template of {tokenizer.name_or_path} has no variable {name}"
            )
    settings = "".join(f"{{%- set {name} = {_literal(value)} %}}" for name, value in arguments.items())
    tokenizer.chat_template = settings + template


def _literal(value: TemplateValue) -> str:
    """As Jinja writes it."""
    return str(value).lower() if isinstance(value, bool) else repr(value)
