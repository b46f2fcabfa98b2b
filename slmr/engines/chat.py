"""Rendering prompts with a model's chat template, independent of the date and with readable errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slmr.engines import Prompt
from slmr.errors import RequestError, one_line
from slmr.verify.reading.completion import mentions_thought, open_thought

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TemplateValue = bool | int | float | str

# The date given to templates that ask for the current one, so that a run resumed the next day has the same prompts.
# Llama 3's own template falls back to this date.
TODAY = date(2024, 7, 26)


def chat_text(tokenizer: PreTrainedTokenizerBase, turns: Sequence[Mapping[str, str]]) -> str:
    """Renders the turns with the tokenizer's chat template, up to where the answer begins.

    Raises:
        RequestError: the template fails on them.
    """
    try:
        return str(
            tokenizer.apply_chat_template(
                list(map(dict, turns)),
                tokenize=False,
                add_generation_prompt=True,
                strftime_now=TODAY.strftime,
            )
        )
    except Exception as error:  # a template may raise anything
        raise RequestError(
            f"{tokenizer.name_or_path}: its chat template cannot render the prompt"
            f" ({type(error).__name__}: {one_line(error)[:300]}): repair {tokenizer.name_or_path}/chat_template.jinja,"
            " or take another model"
        ) from None


def thought_begun(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> str:
    """The opening thought tag, if the template ends a prompt with it, so that completions lack it; else empty."""
    template = tokenizer.chat_template
    if template is None or prompt.plain or prompt.prefix or not _has_tags(str(template)):
        return ""
    return open_thought(chat_text(tokenizer, prompt.messages()[-1:]))


# Most templates have no tags, and need no second rendering.
_has_tags = lru_cache(maxsize=16)(mentions_thought)


def with_arguments(tokenizer: PreTrainedTokenizerBase, arguments: Mapping[str, TemplateValue]) -> None:
    """Writes variables such as `enable_thinking` into a tokenizer's chat template, so that a trained model keeps them.

    Raises:
        RequestError: the template does not know one of them.
    """
    if not arguments:
        return
    template: Any = tokenizer.chat_template
    if not isinstance(template, str):
        raise RequestError(f"{tokenizer.name_or_path}: chat_template_kwargs is for a model with one chat template")
    for name in arguments:
        if not re.search(rf"\b{re.escape(name)}\b", template):
            raise RequestError(
                f"chat_template_kwargs: the chat template of {tokenizer.name_or_path} has no variable {name}"
            )
    settings = "".join(f"{{%- set {name} = {_literal(value)} %}}" for name, value in arguments.items())
    tokenizer.chat_template = settings + template


def _literal(value: TemplateValue) -> str:
    """The value as a Jinja literal."""
    return str(value).lower() if isinstance(value, bool) else repr(value)
