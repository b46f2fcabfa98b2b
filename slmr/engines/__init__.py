"""Sampling completions: one protocol, whichever library generates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from slmr.config import EngineSettings


@dataclass(frozen=True, slots=True)
class Prompt:
    """A user turn, and what surrounds it.

    Attributes:
        user: the question, with the form of the answer stated.
        prefix: the text with which the answer has to begin (empty: nothing).
        examples: few-shot (question, answer) turns before it.
        sample_index: which of several completions of the same prompt this is; each has a random state of its own.
        plain: the text is not put into a chat template; no server takes that.
    """

    user: str
    prefix: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    sample_index: int = 0
    plain: bool = False

    def messages(self) -> list[dict[str, str]]:
        """The chat before the answer, in the form of OpenAI's API and of chat templates."""
        turns = [
            {"role": role, "content": text}
            for example in self.examples
            for role, text in zip(("user", "assistant"), example, strict=True)
        ]
        return [*turns, {"role": "user", "content": self.user}]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw: temperature 0 is greedy, else the whole distribution; `seed` fixes every random choice."""

    temperature: float
    max_tokens: int
    seed: int
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion without the prompt's prefix.

    Attributes:
        tokens: how many were generated, the end mark included.
        token_ids: their ids; empty where a server does not tell.
        logprobs: of each token, in nats, under the distribution that it was drawn from (temperature
            applied; at temperature 0 the model's own); empty where a server does not tell.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    tokens: int
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()


OnCompletion = Callable[[int, Completion], None]
"""Is called with each completion as soon as it is there, and the index of its prompt."""


class Engine(Protocol):
    """Generates from and scores with one model.

    Attributes:
        parameters: of the model; 0 where a server does not tell.
        width: how many prompts run side by side.
        unit: how many prompts should be asked for together at least. An engine whose arithmetic depends
            on what shares a batch gives the same answer again only for the same unit.
    """

    parameters: int
    width: int
    unit: int

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """One completion a prompt, in order."""
        ...

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """Negative log-likelihood in nats of each token of each completion, the end mark included.

        Raises:
            RequestError: the engine cannot score.
        """
        ...

    def close(self) -> None:
        """Gives back memory, processes and connections."""
        ...


def open_engine(model: Path | str, settings: EngineSettings) -> Engine:
    """The engine that the settings name, for a model folder or a server's URL.

    Raises:
        RequestError: the engine is not installed, or there is no model that it can load.
    """
    if settings.name == "server":
        from slmr.engines.server import ServerEngine

        return ServerEngine(str(model), settings)
    if settings.name == "vllm":
        from slmr.engines.vllm import VllmEngine

        return VllmEngine(Path(model), settings)
    from slmr.engines.transformers import TransformersEngine

    return TransformersEngine(Path(model), settings)
