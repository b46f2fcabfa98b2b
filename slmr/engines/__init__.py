"""Sampling completions: one protocol, whichever library generates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from slmr.stage import EngineSettings


@dataclass(frozen=True, slots=True)
class Prompt:
    """A user turn, and the text with which the answer has to begin (empty: nothing)."""

    user: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw: temperature 0 is greedy; `seed` fixes every random choice."""

    temperature: float
    max_tokens: int
    seed: int
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion without the prompt's prefix. `tokens` counts what was generated, the end mark too."""

    text: str
    finish_reason: Literal["stop", "length"]
    tokens: int


class Engine(Protocol):
    """Generates from and scores with one model."""

    parameters: int

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, progress: Callable[[int], None] | None = None
    ) -> list[Completion]:
        """One completion a prompt, in order; `progress` hears how many are done."""
        ...

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """Negative log-likelihood in nats of each token of each completion, the end mark included."""
        ...


def open_engine(model: Path, settings: EngineSettings) -> Engine:
    """The engine that the settings name, with the model of that folder.

    Raises:
        RequestError: the folder holds no model that can be loaded.
    """
    from slmr.engines.transformers import TransformersEngine

    return TransformersEngine(model, settings)
