"""Extracts the text to judge from a trainer's completion."""

from __future__ import annotations

from typing import Any


def text_of(completion: Any) -> str:
    """The text of a completion: a string, a message, or a conversation, of which the last assistant turn counts.

    It is empty if there is no assistant message, or if the message has no text, as in a tool call. Messages of tools
    and users never count as the model's answer.
    """
    if completion is None or isinstance(completion, str):
        return completion or ""
    if not isinstance(completion, (list, tuple)):
        return _content(_field(completion, "content"))
    turns = [message for message in completion if _field(message, "role") in (None, "assistant")]
    return _content(_field(turns[-1], "content")) if turns else ""


def _content(content: Any) -> str:
    """A message's content: a string, or its text parts joined."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part if isinstance(part, str) else _part(part) for part in content)


def _part(part: Any) -> str:
    """A part's text; images and separate thoughts have none."""
    is_text = _field(part, "type") in (None, "text", "output_text")
    return (_field(part, "text") or "") if is_text else ""


def _field(message: Any, name: str) -> Any:
    """A field of a message, which is a mapping with some trainers and an object with others."""
    return message.get(name) if isinstance(message, dict) else getattr(message, name, None)
